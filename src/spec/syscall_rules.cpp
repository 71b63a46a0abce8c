// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/syscall_rules.hpp"

#include "base/failure.hpp"
#include "spec/conditional_answers.hpp"
#include "spec/syscall_runs.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <map>

namespace machinist {

namespace {

std::uint32_t value_of(const SyscallAnswer& answer) {
    switch (answer.action) {
    case SyscallAction::allow: return SECCOMP_RET_ALLOW;
    case SyscallAction::log: return SECCOMP_RET_LOG;
    case SyscallAction::refuse: return SECCOMP_RET_ERRNO | answer.error;
    case SyscallAction::trap: return SECCOMP_RET_TRAP;
    case SyscallAction::kill_thread: return SECCOMP_RET_KILL_THREAD;
    case SyscallAction::kill_process: break;
    }
    return SECCOMP_RET_KILL_PROCESS;
}

// C libraries that are newer than the rules fall back on what these know.
SyscallAnswer answer_to_unknown(const SyscallAnswer& otherwise) {
    const bool permits = otherwise.action == SyscallAction::allow || otherwise.action == SyscallAction::log;
    return permits ? otherwise : SyscallAnswer{SyscallAction::refuse, ENOSYS};
}

// By their places in the list, those that count first in front.
using Chosen = std::vector<std::size_t>;

class RuleBlocks {
public:
    explicit RuleBlocks(const SyscallRules& rules) : rules_(rules), chosen_(syscall_name_count) {
        for (std::size_t rule = 0; rule < rules.rules.size(); ++rule)
            for (const std::string& call : rules.rules[rule].calls)
                if (const auto id = find_syscall(call))
                    if (Chosen& list = chosen_[static_cast<std::size_t>(*id)]; list.empty() || list.back() != rule)
                        list.push_back(rule);
        for (Chosen& list : chosen_)
            order(list);
        blocks_.push_back(answer_first_that_fits({}, value_of(answer_to_unknown(rules.otherwise)), false));
    }

    AbiRuns runs(const syscall_data::Abi& abi) {
        const bool is_narrow = (abi.audit_architecture & __AUDIT_ARCH_64BIT) == 0;
        std::map<Chosen, std::uint16_t> made;
        std::array<std::uint16_t, syscall_name_count> by_name{};
        for (std::size_t name = 0; name < syscall_name_count; ++name) {
            const auto [place, is_new] = made.try_emplace(chosen_[name], static_cast<std::uint16_t>(blocks_.size()));
            if (is_new)
                blocks_.push_back(block_of(chosen_[name], is_narrow));
            by_name[name] = place->second;
        }
        return runs_of(abi, by_name, 0);
    }
    [[nodiscard]] const std::vector<AnswerBlock>& blocks() const {
        return blocks_;
    }

private:
    void order(Chosen& list) const {
        std::ranges::stable_sort(list, std::ranges::greater{},
                                 [&](std::size_t rule) { return rules_.rules[rule].answer.action; });
        // What comes behind one that always fits has no say.
        const auto always =
            std::ranges::find_if(list, [&](std::size_t rule) { return rules_.rules[rule].conditions.empty(); });
        if (always != list.end())
            list.erase(always + 1, list.end());
    }
    [[nodiscard]] AnswerBlock block_of(const Chosen& list, bool is_narrow) const {
        std::vector<ConditionalAnswer> answers;
        for (const std::size_t rule : list)
            answers.push_back({rules_.rules[rule].conditions, value_of(rules_.rules[rule].answer)});
        return answer_first_that_fits(answers, value_of(rules_.otherwise), is_narrow);
    }

    const SyscallRules& rules_;
    std::vector<Chosen> chosen_; // one for each name
    std::vector<AnswerBlock> blocks_;
};

} // namespace

std::vector<sock_filter> build_syscall_rules(const SyscallRules& rules) {
    RuleBlocks blocks{rules};
    std::array<AbiRuns, syscall_data::abis.size()> abis;
    for (std::size_t abi = 0; abi < abis.size(); ++abi)
        abis[abi] = blocks.runs(syscall_data::abis[abi]);
    std::vector<sock_filter> program = assemble_syscall_program(abis, blocks.blocks());
    if (program.size() > BPF_MAXINSNS)
        throw Failure{FailureKind::not_supported,
                      "the rules for system calls become a program of " + std::to_string(program.size()) +
                          " instructions, of which the kernel takes " + std::to_string(BPF_MAXINSNS)}
            .try_instead("fewer conditions on arguments");
    return program;
}

} // namespace machinist
