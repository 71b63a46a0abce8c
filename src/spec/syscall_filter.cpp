// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/syscall_filter.hpp"

#include "spec/syscall_program.hpp"
#include "spec/syscall_runs.hpp"

#include <algorithm>
#include <array>
#include <asm/ioctls.h>
#include <cerrno>
#include <fcntl.h>
#include <linux/net.h>
#include <linux/sched.h>
#include <sys/socket.h>

namespace machinist {
namespace {

constexpr std::uint32_t sign_bit = 0x80000000U;

bool is_hidden(std::string_view name) {
    return name.ends_with(hiding_suffix);
}

std::string_view without_suffix(std::string_view name) {
    return is_hidden(name) ? name.substr(0, name.size() - hiding_suffix.size()) : name;
}

SyscallSet calls_named(const std::vector<std::string>& words, bool only_hidden = false) {
    SyscallSet set;
    for (const std::string& word : words) {
        const std::string_view name = without_suffix(word);
        if (only_hidden && !is_hidden(word))
            continue;
        if (const auto group = find_syscall_group(name))
            set.insert(*group);
        else if (const auto call = find_syscall(name))
            set.insert(*call);
    }
    return set;
}

SyscallSet calls_by_profile(const CapabilitySpec& capabilities) {
    SyscallSet set{syscall_data::always_allowed};
    for (const auto& [capability, opens] : syscall_data::capability_sets)
        if ((capabilities.bounding >> capability & 1) != 0)
            set.insert(SyscallSet{opens});
    return set;
}

// Which block answers which call, by the call's name; the ABIs differ in numbers only.
class Answers {
public:
    enum : std::uint16_t { unknown, refused, allowed };

    Answers() : blocks_{answer_errno(ENOSYS), answer_errno(EPERM), answer_allow()} {
        by_name_.fill(refused);
    }

    void allow(const SyscallSet& calls) {
        for (std::size_t name = 0; name < syscall_name_count; ++name)
            if (calls.contains(static_cast<SyscallId>(name)))
                by_name_[name] = allowed;
    }
    void hide(const SyscallSet& calls) {
        for (std::size_t name = 0; name < syscall_name_count; ++name)
            if (calls.contains(static_cast<SyscallId>(name)))
                by_name_[name] = unknown;
    }
    // Only allowed calls get conditions: what is refused stays refused.
    void answer_with(std::initializer_list<SyscallId> calls, AnswerBlock block) {
        blocks_.push_back(std::move(block));
        for (const SyscallId call : calls)
            if (auto& answer = by_name_[static_cast<std::size_t>(call)]; answer != refused && answer != unknown)
                answer = static_cast<std::uint16_t>(blocks_.size() - 1);
    }

    [[nodiscard]] std::vector<sock_filter> program() const {
        std::array<AbiRuns, syscall_data::abis.size()> abis;
        for (std::size_t abi = 0; abi < abis.size(); ++abi)
            abis[abi] = runs_of(syscall_data::abis[abi], by_name_, unknown);
        return assemble_syscall_program(abis, blocks_);
    }

private:
    std::vector<AnswerBlock> blocks_;
    std::array<std::uint16_t, syscall_name_count> by_name_{};
};

bool is_named(const SyscallFilterSpec& spec, std::string_view word) {
    return std::find(spec.allow.begin(), spec.allow.end(), word) != spec.allow.end();
}

std::vector<int> strict_families(bool private_network) {
    std::vector<int> families{AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    // On the host's network these would show the host's traffic.
    if (private_network)
        families.push_back(AF_PACKET);
    return families;
}

bool contains(std::span<const int> families, int family) {
    return std::find(families.begin(), families.end(), family) != families.end();
}

// What remains of two restrictions: the strict profile's list and the one that the administrator wrote.
AnswerBlock socket_answer(std::optional<std::vector<int>> profile,
                          const std::optional<SyscallFilterSpec::AddressFamilies>& written) {
    const auto passes = [&](int family) {
        return !written || contains(written->families, family) == written->allow_listed;
    };
    std::vector<int> families;
    bool allow_listed = true;
    if (profile) {
        std::copy_if(profile->begin(), profile->end(), std::back_inserter(families), passes);
    } else if (written) {
        allow_listed = written->allow_listed;
        families = written->families;
    } else {
        allow_listed = false;
    }
    std::sort(families.begin(), families.end());
    families.erase(std::unique(families.begin(), families.end()), families.end());
    return answer_socket(allow_listed, families, contains(families, AF_NETLINK) == allow_listed);
}

void restrict_sockets(Answers& answers, const SyscallFilterSpec& spec, bool private_network) {
    std::optional<std::vector<int>> profile;
    if (spec.strict && !is_named(spec, "socket"))
        profile = strict_families(private_network);
    // The audit subsystem knows no namespaces and says "not permitted", on which programs give up; without the
    // family they go on.
    answers.answer_with({syscall_id("socket")}, socket_answer(profile, spec.address_families));
    // A pair of an odd family fails late, after the host loaded a module for it.
    if (profile)
        answers.answer_with({syscall_id("socketpair")}, socket_answer(profile, std::nullopt));
    // socketcall takes its arguments from memory, which a filter cannot see: where families count it makes no new
    // sockets. Some C libraries of 32-bit x86 (glibc for kernels before 4.3) know no other way to get one, so such a
    // machine has to name it.
    if constexpr (constexpr auto socketcall = find_syscall("socketcall"); socketcall.has_value())
        if ((profile || spec.address_families) && !is_named(spec, "socketcall"))
            answers.answer_with({*socketcall}, answer_errno_if_equal(0, {SYS_SOCKET, SYS_SOCKETPAIR}, ENOSYS));
}

void restrict_user_namespaces(Answers& answers, const SyscallFilterSpec& spec) {
    const auto opened = [&](std::string_view call) { return is_named(spec, call) || is_named(spec, nesting_word); };
    if (!opened("clone"))
        answers.answer_with({syscall_id("clone")}, answer_errno_if_any_bit(0, CLONE_NEWUSER, EPERM));
    if (!opened("unshare"))
        answers.answer_with({syscall_id("unshare")}, answer_errno_if_any_bit(0, CLONE_NEWUSER, EPERM));
    // Its flags lie in memory. C libraries fall back on clone.
    if (!opened("clone3"))
        answers.answer_with({syscall_id("clone3")}, answer_errno(ENOSYS));
}

void suppress_sync(Answers& answers) {
    answers.answer_with({syscall_id("fdatasync"), syscall_id("fsync"), syscall_id("sync_file_range"),
                         syscall_id("sync_file_range2"), syscall_id("syncfs")},
                        pretend_success_unless_any_bit(0, sign_bit));
    answers.answer_with({syscall_id("msync"), syscall_id("sync")}, answer_errno(0));
    answers.answer_with({syscall_id("open")}, answer_errno_if_any_bit(1, O_SYNC | O_DSYNC, EINVAL));
    answers.answer_with({syscall_id("openat")}, answer_errno_if_any_bit(2, O_SYNC | O_DSYNC, EINVAL));
    answers.answer_with({syscall_id("openat2")}, answer_errno(ENOSYS));
}

} // namespace

std::vector<sock_filter> build_syscall_filter(const SyscallFilterSpec& spec, const CapabilitySpec& capabilities,
                                              bool private_network) {
    const SyscallSet written = calls_named(spec.allow);
    SyscallSet allowed = calls_by_profile(capabilities);
    allowed.insert(written);
    const SyscallSet denied = calls_named(spec.deny);
    allowed.remove(denied);

    Answers answers;
    answers.allow(allowed);
    restrict_sockets(answers, spec, private_network);
    if (spec.strict) {
        SyscallSet withheld{syscall_data::strictly_withheld};
        withheld.remove(written);
        withheld.remove(denied);
        answers.hide(withheld);
        restrict_user_namespaces(answers, spec);
        if (!is_named(spec, "ioctl"))
            // Both put characters into a terminal's input as if somebody had typed them.
            answers.answer_with({syscall_id("ioctl")}, answer_errno_if_equal(1, {TIOCSTI, TIOCLINUX}, EPERM));
    }
    if (spec.suppress_sync)
        suppress_sync(answers);
    answers.hide(calls_named(spec.deny, true));
    return answers.program();
}

std::vector<std::string_view> every_syscall_name() {
    std::vector<std::string_view> names;
    for (std::size_t index = 0; index < syscall_name_count; ++index) {
        const std::size_t offset = syscall_data::name_offsets[index];
        names.push_back(syscall_data::name_text.substr(offset, syscall_data::name_offsets[index + 1] - offset));
    }
    return names;
}

std::vector<std::string> unknown_syscalls(const std::vector<std::string>& names) {
    std::vector<std::string> unknown;
    for (const std::string& word : names) {
        const std::string_view name = without_suffix(word);
        if (name != nesting_word && !find_syscall(name) && !find_syscall_group(name))
            unknown.push_back(word);
    }
    return unknown;
}

} // namespace machinist
