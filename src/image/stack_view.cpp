// SPDX-License-Identifier: LGPL-2.1-or-later
// Looking into mount stacks without starting anything.
#include "image/stack.hpp"

#include "base/failure.hpp"
#include "image/overlay.hpp"
#include "image/stack_mount.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"
#include "kernel/sockets.hpp"

#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace machinist {

namespace {

std::vector<UniqueFd> open_lowers(const Stack& stack, bool with_upper) {
    std::vector<UniqueFd> lowers;
    if (with_upper && stack.upper_space)
        if (auto data = open_path_if_exists(*stack.upper_space / "data", O_PATH | O_DIRECTORY))
            lowers.push_back(std::move(*data));
    for (auto layer = stack.layers.rbegin(); layer != stack.layers.rend(); ++layer)
        lowers.push_back(open_path(*layer, O_PATH | O_DIRECTORY));
    return lowers;
}

UniqueFd look_through(std::vector<UniqueFd> lowers) {
    if (lowers.size() == 1)
        return open_path(path_of_descriptor(lowers[0]), O_RDONLY | O_DIRECTORY);
    const UniqueFd mount = make_read_only_overlay({lowers.begin(), lowers.end()});
    return open_path(path_of_descriptor(mount), O_RDONLY | O_DIRECTORY);
}

UniqueFd assemble(const Stack& stack) {
    enter_private_mount_namespace();
    make_directories("/run/machinist/staging", 0700);
    const UniqueFd memory = make_filesystem("tmpfs", {.options = {{"mode", "0700"}}});
    attach_mount(memory, open_path("/run/machinist/staging", O_PATH | O_DIRECTORY));
    // Places that are missing for its parts are made there, and nowhere else.
    UpperSpace instance = UpperSpace::in_memory(make_directories_beneath(memory, "upper", 0700, Links::refuse));
    const StackMount made = mount_stack(stack, {}, &instance, false, memory);
    return clone_mount(made.mount, true);
}

// Before Linux 6.15 nothing can be attached to what is attached nowhere itself, and mounts of ours would be the
// host's. So another process puts it together in a mount namespace of its own.
UniqueFd assemble_apart(const Stack& stack) {
    auto [ours, theirs] = make_message_socket_pair();
    const pid_t child = ::fork();
    if (child < 0)
        throw system_failure("fork");
    if (child == 0) {
        try {
            const UniqueFd tree = assemble(stack);
            send_message(theirs, "", {tree.get()});
        } catch (const Failure& failure) {
            send_message(theirs, failure.what());
        } catch (const std::exception& broken) {
            send_message(theirs, broken.what());
        }
        ::_exit(0);
    }
    theirs.reset();
    ReceivedMessage answer = receive_message(ours);
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR)
        continue;
    if (answer.descriptors.empty())
        throw Failure{FailureKind::internal,
                      answer.end ? "the process that looks ended without an answer" : answer.bytes};
    return open_path(path_of_descriptor(answer.descriptors.front()), O_RDONLY | O_DIRECTORY);
}

} // namespace

UniqueFd open_image_tree(const std::filesystem::path& directory) {
    if (!is_stack(directory))
        return open_path(directory, O_RDONLY | O_DIRECTORY);
    return doing("look into '" + directory.string() + "'", [&] {
        const Stack stack = read_stack(directory);
        return stack.is_plain() ? look_through(open_lowers(stack, true)) : assemble_apart(stack);
    });
}

UniqueFd open_layers(const Stack& stack) {
    if (stack.layers.empty())
        throw Failure{FailureKind::invalid, "look below a mount stack: it has no layers"};
    if (stack.has_disks)
        return assemble_apart({.layers = stack.layers, .has_disks = true});
    return look_through(open_lowers(stack, false));
}

} // namespace machinist
