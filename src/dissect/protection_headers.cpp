// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dissect/protection_headers.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <libcryptsetup.h>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>

namespace machinist::dissect {

namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t sector = 512;

struct FreeDevice {
    void operator()(crypt_device* device) const {
        crypt_free(device);
    }
};
using Device = std::unique_ptr<crypt_device, FreeDevice>;

void keep_quiet(int /*level*/, const char* /*message*/, void* /*unused*/) {}

// A copy in memory, as long as the original: the library wants a path, and may have this one only.
class Header {
public:
    Header(BorrowedFd original, std::uint64_t size)
        : original_(original), size_(size), copy_(::memfd_create("header", MFD_CLOEXEC)) {
        if (!copy_ || ::ftruncate(copy_.get(), static_cast<off_t>(size)) < 0)
            throw system_failure("copy its header");
    }

    void copy_to(std::uint64_t end) {
        std::array<char, 65536> buffer;
        for (end = std::min(end, size_); copied_ < end;) {
            const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - copied_));
            const ssize_t count = ::pread(original_.get(), buffer.data(), wanted, static_cast<off_t>(copied_));
            if (count <= 0 || ::pwrite(copy_.get(), buffer.data(), static_cast<std::size_t>(count),
                                       static_cast<off_t>(copied_)) != count)
                throw system_failure("copy its header", count == 0 ? ENODATA : errno);
            copied_ += static_cast<std::uint64_t>(count);
        }
    }

    [[nodiscard]] Device load(const char* type, crypt_params_verity* parameters = nullptr) const {
        crypt_set_log_callback(nullptr, keep_quiet, nullptr);
        crypt_device* made = nullptr;
        if (const int result = crypt_init(&made, path_of_descriptor(copy_).c_str()); result < 0)
            throw system_failure("prepare to read its header", -result);
        Device device{made};
        // Nobody else has this copy.
        crypt_metadata_locking(made, 0);
        if (crypt_load(made, type, parameters) < 0)
            throw Failure{FailureKind::hostile, "read its header: it is damaged, or of a kind that libcryptsetup does "
                                                "not know"};
        return device;
    }

private:
    BorrowedFd original_;
    std::uint64_t size_;
    UniqueFd copy_;
    std::uint64_t copied_ = 0;
};

std::string hexadecimal(const char* bytes, std::size_t size) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (std::size_t at = 0; at < size; ++at) {
        const auto byte = static_cast<unsigned char>(bytes[at]);
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

void refuse_what_is_unfinished(crypt_device* device) {
    if (crypt_reencrypt_status(device, nullptr) != CRYPT_REENCRYPT_NONE)
        throw Failure{FailureKind::not_supported, "open it: it is being encrypted anew"}.try_instead(
            "'cryptsetup reencrypt' with it, to the end");
    crypt_params_integrity integrity{};
    if (crypt_get_integrity_info(device, &integrity) == 0 && integrity.tag_size > 0)
        throw Failure{FailureKind::not_supported, "open it: it is encrypted with sums for its integrity"};
    if (!crypt_get_cipher(device) || !crypt_get_cipher_mode(device))
        throw Failure{FailureKind::not_supported, "open it: it is not encrypted by the kernel"};
}

} // namespace

std::optional<LuksOpening> open_luks(BorrowedFd device, std::uint64_t size, const std::string& passphrase) {
    constexpr std::uint64_t ordinary_header = 32 * mib;
    constexpr std::uint64_t largest_header = 256 * mib;
    Header header{device, size};
    header.copy_to(ordinary_header);
    const Device loaded = header.load(CRYPT_LUKS);
    refuse_what_is_unfinished(loaded.get());
    LuksOpening opening;
    opening.offset = crypt_get_data_offset(loaded.get()) * sector;
    if (opening.offset >= size || opening.offset > largest_header)
        throw Failure{FailureKind::hostile, "read its header: its data begin " + std::to_string(opening.offset) +
                                                " bytes behind, of " + std::to_string(size)};
    header.copy_to(opening.offset);
    const int key_size = crypt_get_volume_key_size(loaded.get());
    if (key_size <= 0 || key_size > 512)
        throw Failure{FailureKind::hostile, "read its header: its key has " + std::to_string(key_size) + " bytes"};
    std::string key(static_cast<std::size_t>(key_size), '\0');
    std::size_t length = key.size();
    const int slot =
        crypt_volume_key_get(loaded.get(), CRYPT_ANY_SLOT, key.data(), &length, passphrase.data(), passphrase.size());
    if (slot == -EPERM)
        return std::nullopt;
    if (slot < 0)
        throw system_failure("open it with its passphrase", -slot);
    opening.cipher = std::string{crypt_get_cipher(loaded.get())} + "-" + crypt_get_cipher_mode(loaded.get());
    opening.key = hexadecimal(key.data(), length);
    opening.first_iv = crypt_get_iv_offset(loaded.get());
    opening.sector_size = static_cast<std::uint32_t>(crypt_get_sector_size(loaded.get()));
    std::uint32_t flags = 0;
    opening.allows_discards = crypt_persistent_flags_get(loaded.get(), CRYPT_FLAGS_ACTIVATION, &flags) == 0 &&
                              (flags & CRYPT_ACTIVATE_ALLOW_DISCARDS) != 0;
    return opening;
}

VerityOpening read_verity(BorrowedFd device, std::uint64_t size) {
    constexpr std::uint64_t superblock = 4096;
    Header header{device, size};
    header.copy_to(superblock);
    crypt_params_verity parameters{};
    const Device loaded = header.load(CRYPT_VERITY, &parameters);
    crypt_params_verity found{};
    if (const int result = crypt_get_verity_info(loaded.get(), &found); result < 0)
        throw system_failure("read its tree of hashes", -result);
    if (found.hash_block_size < sector)
        throw Failure{FailureKind::hostile, "read its tree of hashes: it has no block size"};
    return {.version = found.hash_type,
            .algorithm = found.hash_name ? found.hash_name : "",
            .data_block = found.data_block_size,
            .tree_block = found.hash_block_size,
            .data_blocks = found.data_size,
            .first_tree_block = (sector + found.hash_block_size - 1) / found.hash_block_size,
            .salt = hexadecimal(found.salt, found.salt_size)};
}

} // namespace machinist::dissect
