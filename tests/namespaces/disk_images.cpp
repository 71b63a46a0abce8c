// SPDX-License-Identifier: LGPL-2.1-or-later
#include "namespaces/disk_images.hpp"

#include "namespaces/program.hpp"

#include <stdexcept>

namespace fs = std::filesystem;

namespace machinist::test {

namespace {

std::string command_for(const Path& tree, const std::string& type, const Path& file, const std::string& size) {
    const std::string from = "'" + tree.string() + "'";
    const std::string to = "'" + file.string() + "'";
    const std::string empty = "rm -f " + to + " && truncate -s " + size + " " + to + " && ";
    if (type == "ext4")
        return empty + "mkfs.ext4 -q -F -d " + from + " " + to;
    if (type == "btrfs")
        return empty + "mkfs.btrfs -q -f --rootdir " + from + " " + to;
    if (type == "squashfs")
        return "rm -f " + to + " && mksquashfs " + from + " " + to + " -quiet -no-progress";
    if (type == "erofs")
        return "rm -f " + to + " && mkfs.erofs " + to + " " + from;
    if (type == "vfat")
        return empty + "mkfs.vfat " + to;
    if (type == "xfs")
        return empty + "mkfs.xfs -q " + to + " && unshare -m sh -c \"mount -o loop " + to + " /mnt && cp -a " + from +
               "/. /mnt/\"";
    throw std::runtime_error{"no way to make " + type};
}

} // namespace

void shell(const std::string& script) {
    const Outcome outcome =
        run("/bin/sh", {"-ec", script}, {.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}}, 120s);
    if (outcome.status != 0)
        throw std::runtime_error{script + ": " + outcome.output + outcome.errors};
}

Path make_filesystem_file(const Path& tree, const std::string& type, const Path& file, const std::string& size) {
    shell(command_for(tree, type, file, size));
    return file;
}

Path make_disk(const Path& file, const std::string& label, const std::vector<DiskPart>& parts, int more_space) {
    constexpr std::uintmax_t mib = 1 << 20;
    std::string table = "label: " + label + "\\n";
    std::string copies;
    std::uintmax_t at = 1;
    for (const DiskPart& part : parts) {
        const std::uintmax_t size = (fs::file_size(part.filesystem) + mib - 1) / mib;
        table += "start=" + std::to_string(at) + "MiB, size=" + std::to_string(size) + "MiB, type=" + part.type +
                 (part.more.empty() ? "" : ", " + part.more) + "\\n";
        copies += "dd if='" + part.filesystem.string() + "' of='" + file.string() +
                  "' bs=1M seek=" + std::to_string(at) + " conv=notrunc,sparse status=none\n";
        at += size;
    }
    at += static_cast<std::uintmax_t>(more_space);
    shell("rm -f '" + file.string() + "'\ntruncate -s " + std::to_string(at) + "M '" + file.string() + "'\nprintf '" +
          table + "' | sfdisk -q '" + file.string() + "'\n" + copies);
    return file;
}

std::vector<std::string> loop_devices_of(const std::string& text) {
    std::vector<std::string> found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator{"/sys/block", ignored}) {
        const std::string file = text_of(entry.path() / "loop/backing_file");
        if (file.find(text) != std::string::npos)
            found.push_back("loop device: " + entry.path().filename().string() + " " + file);
    }
    return found;
}

} // namespace machinist::test
