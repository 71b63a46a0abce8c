// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/errands.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/addresses.hpp"
#include "kernel/files.hpp"
#include "kernel/sockets.hpp"
#include "spec/errand.hpp"

#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace machinist::enter {

namespace {

struct Row {
    ErrandKind kind;
    std::size_t fewest; // words
    std::size_t most;
    ErrandResult (*run)(const Order&, const LeaderView&);
};
constexpr std::array rows{
    Row{ErrandKind::pty, 0, 0, open_machine_pty},      Row{ErrandKind::shell, 0, SIZE_MAX, start_on_pty},
    Row{ErrandKind::bus, 0, 0, connect_to_bus},        Row{ErrandKind::root, 0, 0, open_root},
    Row{ErrandKind::copy_to, 2, 2, copy_into_machine}, Row{ErrandKind::copy_from, 2, 2, copy_from_machine},
    Row{ErrandKind::bind, 2, 4, bind_into_machine},    Row{ErrandKind::unbind, 1, 1, unbind_in_machine},
    Row{ErrandKind::read, 1, 16, read_first_file},     Row{ErrandKind::addresses, 0, 0, list_addresses},
    Row{ErrandKind::make_device, 7, 7, make_device},   Row{ErrandKind::remove_device, 1, 1, remove_device}};

// Deep trees hold a descriptor or four for each level.
void allow_all_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

ErrandResult run(const Order& order) {
    for (const Row& row : rows) {
        if (row.kind != order.errand)
            continue;
        if (order.command.size() < row.fewest || order.command.size() > row.most)
            throw Failure{FailureKind::usage, "too few words or too many for this errand"};
        allow_all_descriptors();
        return row.run(order, look_at_leader(order.leader));
    }
    throw Failure{FailureKind::internal, "an errand without row"};
}

std::uint32_t outside_of_root(const std::string& map_file) {
    const std::string map = read_file(map_file);
    for (const std::string_view line : split(map, '\n')) {
        const auto words = split_words(line);
        if (words.size() == 3 && words[0] == "0")
            return parse_integer<std::uint32_t>(words[1]).value_or(0);
    }
    throw Failure{FailureKind::not_supported, "the machine has no root user"};
}

} // namespace

MachineRoot root_of_machine(const Order& order, const LeaderView& leader) {
    if ((leader.namespaces & CLONE_NEWUSER) == 0)
        return {};
    const std::string process = "/proc/" + std::to_string(order.leader.pid());
    return {.uid = outside_of_root(process + "/uid_map"), .gid = outside_of_root(process + "/gid_map")};
}

void become_machine_root(const Order& order, const LeaderView& leader, int other_namespaces) {
    const int flags = leader.namespaces & (CLONE_NEWUSER | other_namespaces);
    if (flags != 0 && ::setns(order.leader.descriptor().get(), flags) < 0)
        throw system_failure("join its namespaces");
    // What is made from here on must belong to somebody in there.
    if ((flags & CLONE_NEWUSER) != 0 && (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0))
        throw system_failure("become the machine's root");
}

Place place_of(const std::string& path) {
    std::filesystem::path whole{path};
    while (!whole.has_filename() && whole.has_relative_path())
        whole = whole.parent_path(); // "/srv/" is "/srv"
    if (!whole.has_relative_path() || whole.filename() == ".")
        throw Failure{FailureKind::invalid, "'" + escaped_for_people(path.substr(0, 200)) + "' names no entry"};
    return {.directory = whole.parent_path().string(), .name = whole.filename().string()};
}

ErrandResult open_root(const Order&, const LeaderView& leader) {
    ErrandResult result;
    result.descriptors.push_back(open_beneath(leader.root, ".", O_RDONLY | O_DIRECTORY, Links::refuse));
    return result;
}

ErrandResult read_first_file(const Order& order, const LeaderView& leader) {
    for (const std::string& path : order.command)
        if (const auto text = read_untrusted(leader.root, path))
            // Whole lines of what an answer can hold.
            return {.text = text->size() <= errand_text_limit
                                ? *text
                                : text->substr(0, text->rfind('\n', errand_text_limit) + 1)};
    throw Failure{FailureKind::not_found, "there is no such file in the machine"};
}

ErrandResult list_addresses(const Order& order, const LeaderView& leader) {
    if ((leader.namespaces & CLONE_NEWNET) == 0)
        throw Failure{FailureKind::not_supported, "the machine does not use private networking"};
    become_machine_root(order, leader, CLONE_NEWNET);
    return {.text = joined(read_addresses(), "\n")};
}

int do_errand(const Order& order) {
    try {
        const ErrandResult result = doing(name_of(errand_names, *order.errand), [&] { return run(order); });
        std::vector<int> numbers;
        for (const UniqueFd& descriptor : result.descriptors)
            numbers.push_back(descriptor.get());
        send_message(order.reply, done_message(result.text), numbers);
        return EXIT_SUCCESS;
    } catch (const Failure& failure) {
        send_message(order.reply, failed_message(failure));
    } catch (const std::exception& broken) {
        send_message(order.reply, failed_message(Failure{FailureKind::internal, broken.what()}));
    }
    return EXIT_FAILURE;
}

} // namespace machinist::enter
