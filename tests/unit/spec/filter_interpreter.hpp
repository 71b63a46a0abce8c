// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel would make of a filter for a system call.
#pragma once

#include <cstring>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdexcept>
#include <vector>

namespace machinist {

// Classic BPF, as far as a syscall filter may use it; throws on everything else.
inline std::uint32_t interpret(const std::vector<sock_filter>& program, const seccomp_data& data) {
    std::uint32_t accumulator = 0;
    for (std::size_t at = 0;; ++at) {
        const sock_filter& step = program.at(at);
        const auto jump = [&](bool taken) { at += taken ? step.jt : step.jf; };
        switch (step.code) {
        case BPF_LD | BPF_W | BPF_ABS:
            if (step.k % 4 != 0 || step.k + 4 > sizeof data)
                throw std::out_of_range("load outside of the call's data");
            std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + step.k, sizeof accumulator);
            break;
        case BPF_JMP | BPF_JA: at += step.k; break;
        case BPF_JMP | BPF_JEQ | BPF_K: jump(accumulator == step.k); break;
        case BPF_JMP | BPF_JGT | BPF_K: jump(accumulator > step.k); break;
        case BPF_ALU | BPF_AND | BPF_K: accumulator &= step.k; break;
        case BPF_JMP | BPF_JGE | BPF_K: jump(accumulator >= step.k); break;
        case BPF_JMP | BPF_JSET | BPF_K: jump((accumulator & step.k) != 0); break;
        case BPF_RET | BPF_K: return step.k;
        default: throw std::logic_error("no instruction of a syscall filter");
        }
    }
}

} // namespace machinist
