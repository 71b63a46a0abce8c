// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hostile/trees.hpp"

#include "base/failure.hpp"
#include "hostile/entries.hpp"
#include "kernel/files.hpp"

#include <cctype>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist::testing {

namespace {

using namespace std::string_view_literals;
using Path = std::filesystem::path;
using Make = std::function<void(BorrowedFd tree, const Path& outside)>;

constexpr std::string_view noise = "\0\xff\x1b[2J\x1b]0;title\x07=\"'`$(id)\n\r\\\x80"sv;

struct Twist {
    const char* what; // "is ..."
    std::function<void(BorrowedFd tree, const Path& path, const Path& outside)> make;
    bool needs_root = false;
};

const std::vector<Twist>& twists_of_any_entry() {
    static const std::vector<Twist> twists{
        {"is a link out",
         [](BorrowedFd tree, const Path& path, const Path& outside) { put_link(tree, path, outside / path); }},
        {"is a link up and out",
         [](BorrowedFd tree, const Path& path, const Path& outside) {
             put_link(tree, path, Path{"../../../../../../../../../../../.."} / outside.relative_path() / path);
         }},
        {"is a link to itself",
         [](BorrowedFd tree, const Path& path, const Path&) { put_link(tree, path, path.filename()); }},
        {"is a link to nowhere",
         [](BorrowedFd tree, const Path& path, const Path&) { put_link(tree, path, "/nonexistent/nowhere"); }},
        {"is a link to the root", [](BorrowedFd tree, const Path& path, const Path&) { put_link(tree, path, "/"); }},
        {"is a fifo", [](BorrowedFd tree, const Path& path, const Path&) { put_fifo(tree, path); }},
        {"is a socket", [](BorrowedFd tree, const Path& path, const Path&) { put_socket(tree, path); }},
        {"is a character device",
         [](BorrowedFd tree, const Path& path, const Path&) { put_device(tree, path, S_IFCHR); }, true},
        {"is a block device", [](BorrowedFd tree, const Path& path, const Path&) { put_device(tree, path, S_IFBLK); },
         true},
    };
    return twists;
}

const std::vector<Twist>& twists_of_directories() {
    static const std::vector<Twist> twists{
        {"is missing", [](BorrowedFd tree, const Path& path, const Path&) { clear(tree, path); }},
        {"is a file",
         [](BorrowedFd tree, const Path& path, const Path&) { put_file(tree, path, "not a directory\n"); }},
        {"is closed to everybody",
         [](BorrowedFd tree, const Path& path, const Path&) { put_directory(tree, path, 0); }},
    };
    return twists;
}

const std::vector<Twist>& twists_of_files() {
    static const std::vector<Twist> twists{
        {"is a directory", [](BorrowedFd tree, const Path& path, const Path&) { put_directory(tree, path, 0755); }},
        {"is huge", [](BorrowedFd tree, const Path& path, const Path&) { put_huge_file(tree, path); }},
        {"is noise",
         [](BorrowedFd tree, const Path& path, const Path&) {
             put_file(tree, path, std::string{noise.begin(), noise.end()});
         }},
        {"is a hard link to a file of the host",
         [](BorrowedFd tree, const Path& path, const Path& outside) { put_hard_link(tree, path, outside / path); }},
    };
    return twists;
}

void add(std::vector<HostileTree>& trees, const std::vector<Twist>& twists, const std::vector<Path>& paths) {
    for (const Path& path : paths)
        for (const Twist& twist : twists)
            trees.push_back(
                {path.string() + " " + twist.what,
                 [path, make = twist.make](BorrowedFd tree, const Path& outside) { make(tree, path, outside); },
                 twist.needs_root});
}

const std::vector<Path> directories{"dev", "run", "proc", "sys", "etc", "tmp", "usr", "var", "root"};
const std::vector<Path> deeper_directories{"dev/pts", "dev/shm", "run/host", "sys/fs", "var/log/journal", "usr/lib"};
const std::vector<Path> files{"etc/machine-id",     "etc/resolv.conf", "etc/localtime", "etc/os-release",
                              "usr/lib/os-release", "etc/passwd",      "sbin/init",     "usr/lib/systemd/systemd"};

void add_single_ones(std::vector<HostileTree>& trees) {
    const auto one = [&](const char* name, Make make, bool needs_root = false) {
        trees.push_back({name, std::move(make), needs_root});
    };
    one("everything is missing", [](BorrowedFd tree, const Path&) { clear_all(tree); });
    one("etc and var are links to each other", [](BorrowedFd tree, const Path&) {
        put_link(tree, "etc", "var");
        put_link(tree, "var", "etc");
    });
    one("os-release is behind a long chain of links", [](BorrowedFd tree, const Path&) {
        for (int i = 0; i < 60; ++i)
            put_link(tree, "etc/chain" + std::to_string(i), "chain" + std::to_string(i + 1));
        put_link(tree, "etc/os-release", "chain0");
    });
    one("machine-id is a link through proc", [](BorrowedFd tree, const Path& outside) {
        put_link(tree, "etc/machine-id", Path{"/proc/self/root"} / outside.relative_path() / "etc/machine-id");
    });
    one("os-release is a link to an open file",
        [](BorrowedFd tree, const Path&) { put_link(tree, "etc/os-release", "/proc/self/fd/0"); });
    one("os-release has no end of a quote",
        [](BorrowedFd tree, const Path&) { put_file(tree, "etc/os-release", "ID=\"debian\nNAME=x\n"); });
    one("os-release has very many fields", [](BorrowedFd tree, const Path&) {
        std::string text;
        for (int i = 0; i < 5000; ++i)
            text += "F" + std::to_string(i) + "=x\n";
        put_file(tree, "etc/os-release", text);
    });
    one("os-release has one very long line",
        [](BorrowedFd tree, const Path&) { put_file(tree, "etc/os-release", "ID=" + std::string(60000, 'x')); });
    one("machine-id is the id of nobody",
        [](BorrowedFd tree, const Path&) { put_file(tree, "etc/machine-id", "00000000000000000000000000000000\n"); });
    one("machine-id has lines after it", [](BorrowedFd tree, const Path&) {
        put_file(tree, "etc/machine-id", "0123456789abcdef0123456789abcdef\nNAME=other\n");
    });
    one("localtime names a zone outside", [](BorrowedFd tree, const Path&) {
        put_link(tree, "etc/localtime", "../usr/share/zoneinfo/../../../../etc/shadow");
    });
    one("zoneinfo is a link out", [](BorrowedFd tree, const Path& outside) {
        put_link(tree, "usr/share/zoneinfo", outside / "usr/share/zoneinfo");
    });
    one("names have newlines and escapes", [](BorrowedFd tree, const Path&) {
        put_file(tree, "etc/line\nend", "");
        put_file(tree, "\x1b[31mred", "");
        put_directory(tree, "-rf", 0755);
    });
    one("a directory is very deep", [](BorrowedFd tree, const Path&) { put_deep_directories(tree, "deep", 100); });
    one("a directory has very many entries", [](BorrowedFd tree, const Path&) {
        for (int i = 0; i < 500; ++i)
            put_file(tree, "many/" + std::to_string(i), "");
    });
    one("the standard devices are links out", [](BorrowedFd tree, const Path& outside) {
        for (const char* name : {"null", "zero", "full", "random", "urandom", "tty", "console", "ptmx"})
            put_link(tree, Path{"dev"} / name, outside / "file");
    });
    one(
        "the standard devices are other devices",
        [](BorrowedFd tree, const Path&) {
            for (const char* name : {"null", "zero", "full", "random", "urandom", "tty", "console", "ptmx"})
                put_device(tree, Path{"dev"} / name, S_IFCHR);
        },
        true);
    one("resolv.conf is a link into run that leads out", [](BorrowedFd tree, const Path& outside) {
        put_link(tree, "run/resolve", outside / "etc");
        put_link(tree, "etc/resolv.conf", "../run/resolve/resolv.conf");
    });
    one("the journal of the machine is a link out", [](BorrowedFd tree, const Path& outside) {
        put_file(tree, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        put_link(tree, "var/log/journal/0123456789abcdef0123456789abcdef", outside / "var/log/journal");
    });
    one("every way to an init is a script without end", [](BorrowedFd tree, const Path&) {
        for (const char* path : {"sbin/init", "usr/lib/systemd/systemd", "lib/systemd/systemd", "bin/sh"})
            put_program(tree, path, std::string{"#!"} + std::string(4000, 'x'));
    });
    one("init is a program for no processor", [](BorrowedFd tree, const Path&) {
        put_program(tree, "sbin/init",
                    std::string{"\x7f"
                                "ELF\x09\x09"} +
                        std::string(100, '\xff'));
    });
    one("init and the shell are interpreters of each other", [](BorrowedFd tree, const Path&) {
        put_program(tree, "sbin/init", "#!/bin/sh\n");
        put_program(tree, "bin/sh", "#!/sbin/init\n");
    });
    one(
        "the top is marked as an overlay's",
        [](BorrowedFd tree, const Path&) {
            put_attribute(tree, ".", "trusted.overlay.opaque", "y");
            put_directory(tree, "redirected", 0755);
            put_attribute(tree, "redirected", "trusted.overlay.redirect", "/../../../../etc");
        },
        true);
    one(
        "a file is marked as a copy of metadata only",
        [](BorrowedFd tree, const Path&) {
            put_file(tree, "etc/marked", "");
            put_attribute(tree, "etc/marked", "trusted.overlay.metacopy", "");
            put_attribute(tree, "etc/marked", "trusted.overlay.redirect", "/etc/shadow");
        },
        true);
    one("the top is closed to everybody", [](BorrowedFd tree, const Path&) { change_mode(tree, ".", 0); });
    one("the top is open to everybody", [](BorrowedFd tree, const Path&) { change_mode(tree, ".", 07777); });
    one(
        "the top belongs to nobody", [](BorrowedFd tree, const Path&) { change_owner(tree, ".", 65534); }, true);
    one(
        "the top belongs to a very large id",
        [](BorrowedFd tree, const Path&) { change_owner(tree, ".", 4294967294U); }, true);
    one(
        "the top is marked as half changed", [](BorrowedFd tree, const Path&) { change_owner(tree, ".", 0xfffe0000); },
        true);
    one(
        "a whiteout hides usr", [](BorrowedFd tree, const Path&) { put_whiteout(tree, "usr"); }, true);
}

void write_outside(const Path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path, std::ios::binary} << text;
}

} // namespace

const std::vector<HostileTree>& hostile_trees() {
    static const std::vector<HostileTree> trees = [] {
        std::vector<HostileTree> all;
        add(all, twists_of_any_entry(), directories);
        add(all, twists_of_directories(), directories);
        add(all, twists_of_any_entry(), deeper_directories);
        add(all, twists_of_any_entry(), files);
        add(all, twists_of_files(), files);
        add_single_ones(all);
        return all;
    }();
    return trees;
}

void make_outside(const Path& directory) {
    for (const Path& path : directories)
        std::filesystem::create_directories(directory / path);
    for (const Path& path : deeper_directories)
        std::filesystem::create_directories(directory / path);
    for (const Path& path : files)
        write_outside(directory / path, std::string{"ID="} + outside_id + "\nNAME=" + outside_id + "\n");
    write_outside(directory / "etc/machine-id", std::string{outside_machine_id} + "\n");
    write_outside(directory / "usr/share/zoneinfo/Etc/Outside", "TZif2");
    write_outside(directory / "file", outside_id);
    std::filesystem::permissions(directory / "sbin/init", std::filesystem::perms{0755});
}

std::string description_of(const Path& directory) {
    std::map<std::string, std::string> lines;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{directory}) {
        struct stat status {};
        if (::lstat(entry.path().c_str(), &status) < 0)
            continue;
        std::string& line = lines[entry.path().lexically_relative(directory)];
        for (const auto value :
             {static_cast<long long>(status.st_mode), static_cast<long long>(status.st_uid),
              static_cast<long long>(status.st_gid), static_cast<long long>(status.st_size),
              static_cast<long long>(status.st_mtim.tv_sec), static_cast<long long>(status.st_mtim.tv_nsec)})
            line += " " + std::to_string(value);
        if (S_ISREG(status.st_mode))
            line += " " + read_file(entry.path());
        if (S_ISLNK(status.st_mode))
            line += " " + std::filesystem::read_symlink(entry.path()).string();
    }
    std::string text;
    for (const auto& [path, line] : lines)
        text += path + line + "\n";
    return text;
}

std::string identifier_of(const HostileTree& tree) {
    std::string identifier;
    for (const char letter : tree.name)
        identifier += std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '_';
    return identifier;
}

} // namespace machinist::testing
