// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/conditional_answers.hpp"

#include <bit>
#include <linux/seccomp.h>

namespace machinist {

namespace {

constexpr std::uint32_t lower_half(std::uint64_t value) {
    return static_cast<std::uint32_t>(value);
}

constexpr std::uint32_t upper_half(std::uint64_t value) {
    return static_cast<std::uint32_t>(value >> 32);
}

constexpr std::uint32_t offset_of(std::uint32_t argument, bool upper) {
    const std::size_t half = (std::endian::native == std::endian::little) == upper ? sizeof(std::uint32_t) : 0;
    return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t) + half);
}

enum class Way { on, holds, fails };

// A rule is far shorter than what a conditional jump reaches: six conditions of seven instructions.
class Writer {
public:
    explicit Writer(bool is_narrow) : is_narrow_(is_narrow) {}

    void write(const ConditionalAnswer& answer) {
        for (const SyscallCondition& condition : answer.conditions) {
            write(condition);
            lead_here(to_next_condition_);
        }
        give(answer.value);
        lead_here(to_next_answer_);
    }
    void give(std::uint32_t value) {
        block_.push_back(BPF_STMT(BPF_RET | BPF_K, value));
    }
    AnswerBlock take() {
        return std::move(block_);
    }

private:
    struct Jump {
        std::size_t from;
        bool if_true;
    };

    void write(const SyscallCondition& condition) {
        switch (condition.comparison) {
        case Comparison::equal: return equal(condition, UINT64_MAX);
        case Comparison::masked_equal: return equal(condition, condition.mask);
        case Comparison::not_equal:
            upper(condition, [&](std::uint32_t value) { jump(BPF_JEQ, value, Way::on, Way::holds); });
            return lower(condition, BPF_JEQ, Way::fails, Way::on);
        case Comparison::greater:
            greater_above(condition, Way::holds, Way::fails);
            return lower(condition, BPF_JGT, Way::on, Way::fails);
        case Comparison::greater_or_equal:
            greater_above(condition, Way::holds, Way::fails);
            return lower(condition, BPF_JGE, Way::on, Way::fails);
        case Comparison::less:
            greater_above(condition, Way::fails, Way::holds);
            return lower(condition, BPF_JGE, Way::fails, Way::on);
        case Comparison::less_or_equal:
            greater_above(condition, Way::fails, Way::holds);
            return lower(condition, BPF_JGT, Way::fails, Way::on);
        }
    }
    void equal(const SyscallCondition& condition, std::uint64_t mask) {
        upper(condition, [&](std::uint32_t value) {
            look_at(upper_half(mask));
            jump(BPF_JEQ, value, Way::on, Way::fails);
        });
        load(condition.argument, false);
        look_at(lower_half(mask));
        jump(BPF_JEQ, lower_half(condition.value), Way::on, Way::fails);
    }
    // Goes on where the upper halves are the same.
    void greater_above(const SyscallCondition& condition, Way if_greater, Way if_less) {
        upper(condition, [&](std::uint32_t value) {
            jump(BPF_JGT, value, if_greater, Way::on);
            jump(BPF_JEQ, value, Way::on, if_less);
        });
    }
    template <typename Compare>
    void upper(const SyscallCondition& condition, Compare compare) {
        if (is_narrow_)
            return;
        load(condition.argument, true);
        compare(upper_half(condition.value));
    }
    void lower(const SyscallCondition& condition, std::uint16_t comparison, Way if_true, Way if_false) {
        load(condition.argument, false);
        jump(comparison, lower_half(condition.value), if_true, if_false);
    }
    void load(std::uint32_t argument, bool upper) {
        block_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset_of(argument, upper)));
    }
    void look_at(std::uint32_t bits) {
        if (bits != UINT32_MAX)
            block_.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits));
    }
    void jump(std::uint16_t comparison, std::uint32_t value, Way if_true, Way if_false) {
        const std::size_t from = block_.size();
        block_.push_back(BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K), value, 0, 0));
        remember({from, true}, if_true);
        remember({from, false}, if_false);
    }
    void remember(Jump jump, Way way) {
        if (way == Way::holds)
            to_next_condition_.push_back(jump);
        else if (way == Way::fails)
            to_next_answer_.push_back(jump);
    }
    void lead_here(std::vector<Jump>& jumps) {
        for (const Jump& jump : jumps) {
            const auto distance = static_cast<std::uint8_t>(block_.size() - jump.from - 1);
            (jump.if_true ? block_[jump.from].jt : block_[jump.from].jf) = distance;
        }
        jumps.clear();
    }

    bool is_narrow_;
    AnswerBlock block_;
    std::vector<Jump> to_next_condition_;
    std::vector<Jump> to_next_answer_;
};

} // namespace

AnswerBlock answer_first_that_fits(std::span<const ConditionalAnswer> answers, std::uint32_t otherwise,
                                   bool is_narrow) {
    Writer writer{is_narrow};
    for (const ConditionalAnswer& answer : answers) {
        writer.write(answer);
        if (answer.conditions.empty())
            return writer.take();
    }
    writer.give(otherwise);
    return writer.take();
}

} // namespace machinist
