// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/device_directory.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"
#include "kernel/user_namespace.hpp"
#include "spec/mount_plan.hpp"
#include "supervisor/device_nodes.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace machinist {

namespace {

struct Node {
    const char* name;
    unsigned major_number;
    unsigned minor_number;
};
// The numbers are those of Documentation/admin-guide/devices.txt of the kernel.
constexpr Node nodes[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                          {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
constexpr Node optional_nodes[] = {{"fuse", 10, 229}, {"net/tun", 10, 200}};

struct Link {
    const char* name;
    const char* target;
};
constexpr Link links[] = {{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
                          {"stderr", "/proc/self/fd/2"}, {"core", "/proc/kcore"},      {"ptmx", "pts/ptmx"}};

void make_link(BorrowedFd directory, const char* target, const char* name) {
    if (::symlinkat(target, directory.get(), name) < 0)
        throw system_failure(std::string{"make link '"} + name + "'");
}

dev_t number_of(const Node& node) {
    return ::makedev(node.major_number, node.minor_number);
}

// A machine in which machines run has no right to make devices, but to show on those that it was given.
bool must_be_shown() {
    return !in_initial_user_namespace();
}

void make_node(BorrowedFd directory, const Node& node) {
    const mode_t type = must_be_shown() ? S_IFREG : S_IFCHR;
    // The umask would take bits away, and the host's own node may have been tampered with: the mode is set outright.
    if (::mknodat(directory.get(), node.name, type | 0666, type == S_IFCHR ? number_of(node) : 0) < 0 ||
        ::fchmodat(directory.get(), node.name, 0666, 0) < 0)
        throw system_failure(std::string{"make device '"} + node.name + "'")
            .try_instead("running it where CAP_MKNOD is held in the initial user namespace");
    const std::string alias = "char/" + std::to_string(node.major_number) + ":" + std::to_string(node.minor_number);
    make_link(directory, (std::string{"../"} + node.name).c_str(), alias.c_str());
}

// base: of the machine's users on the host.
void make_given_node(BorrowedFd directory, const DeviceNode& node, std::uint32_t base) {
    const Path name = node.path.lexically_relative("/dev");
    const UniqueFd parent = make_directories_beneath(directory, name.parent_path(), 0755, Links::refuse);
    const std::string entry = name.filename().string();
    const mode_t mode = (node.is_block ? S_IFBLK : S_IFCHR) | node.mode;
    if (::mknodat(parent.get(), entry.c_str(), mode, node.number) < 0 && errno == EEXIST)
        return; // every machine has it
    if (::fchmodat(parent.get(), entry.c_str(), node.mode, 0) < 0 ||
        ::fchownat(parent.get(), entry.c_str(), base + node.user, base + node.group, AT_SYMLINK_NOFOLLOW) < 0)
        throw system_failure("make device '" + name.string() + "'");
}

bool host_has(const char* name) {
    const std::string path = std::string{"/dev/"} + name;
    return UniqueFd{::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)}.get() >= 0;
}

} // namespace

UniqueFd make_device_directory(const MachineSpec& spec, std::uint64_t attributes) {
    FilesystemOptions options{.options = {{"mode", "0755"}, {"size", "4m"}, {"nr_inodes", "64k"}},
                              .attributes = attributes};
    if (spec.users.kind != UserNamespaceKind::none) {
        options.options.emplace_back("uid", std::to_string(spec.users.base));
        options.options.emplace_back("gid", std::to_string(spec.users.base));
    }
    options.options = with_api_label(std::move(options.options), spec);
    UniqueFd directory = make_filesystem("tmpfs", options);
    for (const char* name : {"char", "net", "shm", "pts", "mqueue"})
        if (::mkdirat(directory.get(), name, 0755) < 0)
            throw system_failure(std::string{"make directory '"} + name + "'");
    for (const Node& node : nodes)
        make_node(directory, node);
    for (const Node& node : optional_nodes)
        if (host_has(node.name))
            make_node(directory, node);
    const std::uint32_t base = spec.users.kind == UserNamespaceKind::none ? 0 : spec.users.base;
    for (const DeviceNode& node : device_nodes_of(spec))
        make_given_node(directory, node, base);
    for (const Link& link : links)
        make_link(directory, link.target, link.name);
    if (spec.console != ConsoleMode::pipe)
        make_link(directory, "pts/0", "console");
    return directory;
}

void show_devices_of_the_host(BorrowedFd directory) {
    if (!must_be_shown())
        return;
    const auto show = [&](const Node& node) {
        const auto place = open_beneath_if_exists(directory, node.name, O_PATH, Links::refuse);
        if (!place)
            return;
        const UniqueFd source = open_path(std::string{"/dev/"} + node.name, O_PATH | O_NOFOLLOW);
        const struct stat status = status_of(source);
        if (!S_ISCHR(status.st_mode) || status.st_rdev != number_of(node))
            throw Failure{FailureKind::invalid, std::string{"'/dev/"} + node.name + "' is not the device of that name"};
        attach_mount(clone_mount(source, false), *place);
    };
    for (const Node& node : nodes)
        show(node);
    for (const Node& node : optional_nodes)
        show(node);
}

} // namespace machinist
