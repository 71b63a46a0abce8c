// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs when the project is built: asks libseccomp for the system calls of an architecture and writes them, with the
// groups of syscall_groups.hpp, as constexpr tables. So no start of a machine pays for looking up names.
#include "spec/syscall_groups.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <ostream>
#include <seccomp.h>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace machinist {
namespace {

struct Abi {
    std::string name;
    std::uint32_t libseccomp_architecture;
    // Where numbers lie; those of 32-bit arm that are no ordinary calls lie far up.
    std::vector<std::pair<unsigned, unsigned>> ranges;
};

struct Family {
    std::string cpu_family; // as meson says it
    std::vector<Abi> abis;  // the native one first
};

const std::vector<Family> families{
    {"x86_64", {{"x86_64", SCMP_ARCH_X86_64, {{0, 1024}}}, {"i386", SCMP_ARCH_X86, {{0, 1024}}}}},
    {"aarch64",
     {{"aarch64", SCMP_ARCH_AARCH64, {{0, 1024}}}, {"arm", SCMP_ARCH_ARM, {{0, 1024}, {0x0f0000, 0x0f0010}}}}},
    {"x86", {{"i386", SCMP_ARCH_X86, {{0, 1024}}}}},
    {"arm", {{"arm", SCMP_ARCH_ARM, {{0, 1024}, {0x0f0000, 0x0f0010}}}}},
    {"riscv64", {{"riscv64", SCMP_ARCH_RISCV64, {{0, 1024}}}}},
};

using Numbers = std::map<unsigned, std::string>;
using Names = std::set<std::string>;

Numbers calls_of(const Abi& abi) {
    Numbers calls;
    for (const auto& [first, end] : abi.ranges)
        for (unsigned number = first; number < end; ++number)
            if (char* name = seccomp_syscall_resolve_num_arch(abi.libseccomp_architecture, static_cast<int>(number))) {
                calls.emplace(number, name);
                std::free(name);
            }
    for (const UnifiedSyscall& call : newer_syscalls)
        calls.emplace(call.number, call.name);
    return calls;
}

Names words_of(std::string_view members) {
    std::istringstream text{std::string{members}};
    Names names;
    for (std::string word; text >> word;)
        names.insert(word);
    return names;
}

Names expand(std::string_view members) {
    Names expanded;
    for (const std::string& word : words_of(members)) {
        if (word.front() != '@') {
            expanded.insert(word);
            continue;
        }
        bool found = false;
        for (const SyscallGroup& group : syscall_groups)
            if (group.name == word) {
                expanded.merge(expand(group.members));
                found = true;
            }
        if (!found) {
            std::fprintf(stderr, "no group is called %s\n", word.c_str());
            std::exit(1);
        }
    }
    return expanded;
}

class Tables {
public:
    Tables(std::ostream& out, Names names) : out_(out), names_(std::move(names)), words_((names_.size() + 63) / 64) {
        unsigned id = 0;
        for (const std::string& name : names_)
            ids_.emplace(name, id++);
    }

    void write(const Family& family) {
        out_ << "// SPDX-License-Identifier: LGPL-2.1-or-later\n"
                "// Made by syscall_table_generator for "
             << family.cpu_family
             << ".\n#pragma once\n#include <array>\n#include <cstdint>\n#include <span>\n#include <string_view>\n"
                "namespace machinist::syscall_data {\n";
        std::vector<std::string> names{names_.begin(), names_.end()};
        write_texts("name", names);
        out_ << "using Words = std::array<std::uint64_t, " << words_ << ">;\n";
        write_sets();
        out_ << "struct NumberedCall { std::uint32_t number; std::uint16_t id; };\n";
        for (const Abi& abi : family.abis)
            write_abi(abi);
        out_ << "struct Abi { std::uint32_t audit_architecture; std::span<const NumberedCall> calls; };\n"
                "inline constexpr std::array abis{";
        for (const Abi& abi : family.abis)
            out_ << "Abi{" << abi.libseccomp_architecture << "U, calls_" << abi.name << "},";
        out_ << "};\n}\n";
    }

private:
    // One text and offsets into it: an array of string_views would be relocated at each start of the program.
    void write_texts(const char* what, const std::vector<std::string>& texts) {
        std::size_t offset = 0;
        out_ << "inline constexpr std::string_view " << what << "_text =";
        for (const std::string& text : texts)
            out_ << "\n\"" << text << '"';
        out_ << ";\ninline constexpr std::array<std::uint16_t, " << texts.size() + 1 << "> " << what << "_offsets{";
        for (const std::string& text : texts) {
            out_ << offset << ',';
            offset += text.size();
        }
        out_ << offset << "};\n";
    }

    void write_sets() {
        std::vector<std::string> group_names{"@known"};
        for (const SyscallGroup& group : syscall_groups)
            group_names.emplace_back(group.name);
        write_texts("group", group_names);
        out_ << "inline constexpr std::array<Words, " << group_names.size() << "> group_sets{";
        write_set(names_);
        for (const SyscallGroup& group : syscall_groups)
            write_set(expand(group.members));
        out_ << "};\ninline constexpr Words always_allowed = Words{";
        write_words(expand(always_allowed_calls));
        out_ << "};\ninline constexpr Words strictly_withheld = Words{";
        write_words(expand(strictly_withheld_calls));
        out_ << "};\nstruct CapabilitySet { std::uint8_t capability; Words opens; };\ninline constexpr std::array<"
             << "CapabilitySet, " << capability_opens.size() << "> capability_sets{";
        for (const CapabilityOpens& row : capability_opens) {
            out_ << "CapabilitySet{" << row.capability << ',';
            write_set(expand(row.calls));
            out_ << "},\n";
        }
        out_ << "};\n";
    }

    void write_set(const Names& members) {
        out_ << "Words{";
        write_words(members);
        out_ << "},\n";
    }

    void write_words(const Names& members) {
        std::vector<std::uint64_t> words(words_);
        for (const std::string& name : members)
            words[ids_.at(name) / 64] |= std::uint64_t{1} << (ids_.at(name) % 64);
        for (const std::uint64_t word : words)
            out_ << word << "U,";
    }

    void write_abi(const Abi& abi) {
        const Numbers calls = calls_of(abi);
        out_ << "inline constexpr std::array<NumberedCall, " << calls.size() << "> calls_" << abi.name << "{";
        for (const auto& [number, name] : calls)
            out_ << "NumberedCall{" << number << ',' << ids_.at(name) << "},\n";
        out_ << "};\n";
    }

    std::ostream& out_;
    Names names_;
    std::size_t words_;
    std::map<std::string, unsigned> ids_;
};

// Those of other architectures too, as far as a group holds them: a list of the user may name them anywhere.
Names all_names(const Family& family) {
    Names names;
    for (const Abi& abi : family.abis)
        for (const auto& [number, name] : calls_of(abi))
            names.insert(name);
    for (const SyscallGroup& group : syscall_groups)
        names.merge(expand(group.members));
    names.merge(expand(always_allowed_calls));
    names.merge(expand(strictly_withheld_calls));
    for (const CapabilityOpens& row : capability_opens)
        names.merge(expand(row.calls));
    return names;
}

int generate(std::string_view cpu_family, const char* path) {
    for (const Family& family : families)
        if (family.cpu_family == cpu_family) {
            std::ofstream out{path};
            Tables{out, all_names(family)}.write(family);
            out.close();
            return out.good() ? 0 : 1;
        }
    std::fprintf(stderr, "no system call table is described for the cpu family %.*s\n",
                 static_cast<int>(cpu_family.size()), cpu_family.data());
    return 1;
}

} // namespace
} // namespace machinist

int main(int count, char** arguments) {
    if (count != 3) {
        std::fputs("usage: syscall_table_generator CPU_FAMILY OUTPUT\n", stderr);
        return 2;
    }
    return machinist::generate(arguments[1], arguments[2]);
}
