# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian packages that must be there: says which are missing, installs only those.
# shellcheck shell=bash disable=SC2034

packages_to_build=(g++ meson ninja-build pkg-config python3 libblkid-dev libcryptsetup-dev libseccomp-dev libsystemd-dev libsmartcols-dev nlohmann-json3-dev scdoc
                   libnftables-dev libarchive-dev libcurl4-openssl-dev libssl-dev liblzma-dev libzstd-dev zlib1g-dev libbz2-dev libyaml-dev)
packages_to_make_images=(mmdebstrap debian-archive-keyring)
packages_to_build_tests=(libgtest-dev libgmock-dev libsdbus-c++-dev libsdbus-c++-bin
                         fdisk cryptsetup-bin e2fsprogs xfsprogs btrfs-progs squashfs-tools erofs-utils dosfstools bzip2 xz-utils gnupg openssl skopeo zsh fish iproute2 nftables dnsmasq-base)

missing_packages() { # PACKAGE...: prints the ones that are not installed
    local package installed
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null)
    for package in "$@"; do
        grep -qx "installed $package" <<<"$installed" || printf '%s\n' "$package"
    done
}

# Needs progress.bash. Only root can install; others are told what to ask for.
install_packages() { # PACKAGE...
    local missing
    mapfile -t missing < <(missing_packages "$@")
    if ((${#missing[@]} == 0)); then
        echo "      all there"
        return 0
    fi
    ((EUID == 0)) || fail "these packages are missing and only root can install them: ${missing[*]}"
    echo "      installing ${missing[*]}"
    working apt_get update || fail "the package lists could not be fetched: is there a network and an apt source?"
    working apt_get install --yes --no-install-recommends "${missing[@]}" || fail "the packages could not be installed"
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@"
}
