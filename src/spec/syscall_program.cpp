// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/syscall_program.hpp"

#include <bit>
#include <cerrno>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sys/socket.h>

namespace machinist {
namespace {

constexpr std::uint32_t allow = SECCOMP_RET_ALLOW;

constexpr std::uint32_t error(int number) {
    return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(number);
}

constexpr sock_filter load(std::size_t offset) {
    return {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)};
}

constexpr sock_filter load_argument(unsigned argument) {
    constexpr std::size_t low_half = std::endian::native == std::endian::little ? 0 : sizeof(std::uint32_t);
    return load(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t) + low_half);
}

constexpr sock_filter answer(std::uint32_t value) {
    return {BPF_RET | BPF_K, 0, 0, value};
}

constexpr sock_filter if_equal(std::uint32_t value, std::uint8_t skip_if_true, std::uint8_t skip_if_false) {
    return {BPF_JMP | BPF_JEQ | BPF_K, skip_if_true, skip_if_false, value};
}

constexpr sock_filter if_any_bit(std::uint32_t bits, std::uint8_t skip_if_true, std::uint8_t skip_if_false) {
    return {BPF_JMP | BPF_JSET | BPF_K, skip_if_true, skip_if_false, bits};
}

constexpr sock_filter if_at_least(std::uint32_t value, std::uint8_t skip_if_true, std::uint8_t skip_if_false) {
    return {BPF_JMP | BPF_JGE | BPF_K, skip_if_true, skip_if_false, value};
}

constexpr sock_filter skip(std::uint32_t count) {
    return {BPF_JMP | BPF_JA, 0, 0, count};
}

void append(std::vector<sock_filter>& program, const AnswerBlock& block) {
    program.insert(program.end(), block.begin(), block.end());
}

void append_search(std::vector<sock_filter>& program, std::span<const SyscallRun> runs,
                   std::span<const AnswerBlock> blocks) {
    if (runs.size() == 1) {
        append(program, blocks[runs.front().block]);
        return;
    }
    const std::size_t middle = runs.size() / 2;
    // A conditional jump reaches 255 instructions; how many the lower half needs is known only afterwards.
    const std::size_t branch = program.size();
    program.push_back(if_at_least(runs[middle].first, 0, 1));
    program.push_back(skip(0));
    append_search(program, runs.first(middle), blocks);
    const std::size_t lower = program.size() - (branch + 2);
    if (lower <= 255) {
        program.erase(program.begin() + static_cast<std::ptrdiff_t>(branch) + 1);
        program[branch] = if_at_least(runs[middle].first, static_cast<std::uint8_t>(lower), 0);
    } else {
        program[branch + 1].k = static_cast<std::uint32_t>(lower);
    }
    append_search(program, runs.subspan(middle), blocks);
}

} // namespace

AnswerBlock answer_allow() {
    return {answer(allow)};
}

AnswerBlock answer_errno(int number) {
    return {answer(error(number))};
}

AnswerBlock answer_errno_if_any_bit(unsigned argument, std::uint32_t bits, int number) {
    return {load_argument(argument), if_any_bit(bits, 0, 1), answer(error(number)), answer(allow)};
}

AnswerBlock answer_errno_if_equal(unsigned argument, std::initializer_list<std::uint32_t> values, int number) {
    AnswerBlock block{load_argument(argument)};
    for (const std::uint32_t value : values) {
        block.push_back(if_equal(value, 0, 1));
        block.push_back(answer(error(number)));
    }
    block.push_back(answer(allow));
    return block;
}

AnswerBlock pretend_success_unless_any_bit(unsigned argument, std::uint32_t bits) {
    return {load_argument(argument), if_any_bit(bits, 0, 1), answer(allow), answer(error(0))};
}

AnswerBlock answer_socket(bool allow_listed, std::span<const int> families, bool netlink_allowed) {
    const std::uint32_t refuse = error(EAFNOSUPPORT);
    AnswerBlock block{load_argument(0), if_equal(AF_NETLINK, 0, 4),
                      load_argument(2), if_equal(NETLINK_AUDIT, 0, 1),
                      answer(refuse),   answer(netlink_allowed ? allow : refuse)};
    for (const int family : families) {
        if (family == AF_NETLINK)
            continue;
        block.push_back(if_equal(static_cast<std::uint32_t>(family), 0, 1));
        block.push_back(answer(allow_listed ? allow : refuse));
    }
    block.push_back(answer(allow_listed ? refuse : allow));
    return block;
}

std::vector<sock_filter> assemble_syscall_program(std::span<const AbiRuns> abis, std::span<const AnswerBlock> blocks) {
    std::vector<sock_filter> program;
    program.reserve(1024);
    program.push_back(load(offsetof(seccomp_data, arch)));
    for (const AbiRuns& abi : abis) {
        const std::size_t branch = program.size();
        program.push_back(if_equal(abi.audit_architecture, 1, 0));
        program.push_back(skip(0));
        program.push_back(load(offsetof(seccomp_data, nr)));
        append_search(program, abi.runs, blocks);
        program[branch + 1].k = static_cast<std::uint32_t>(program.size() - (branch + 2));
    }
    append(program, blocks.front());
    return program;
}

} // namespace machinist
