// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/machine_facts.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/init_detection.hpp"
#include "image/os_release.hpp"
#include "kernel/addresses.hpp"
#include "kernel/files.hpp"
#include "kernel/separate_process.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

namespace machinist {

namespace {

constexpr std::chrono::milliseconds patience{2000};

std::string process_path(const Machine& machine, const char* name) {
    return "/proc/" + std::to_string(machine.leader.pid()) + "/" + name;
}

bool has_own(const Machine& machine, const char* kind) {
    struct stat ours {};
    struct stat theirs {};
    return ::stat((std::string{"/proc/self/ns/"} + kind).c_str(), &ours) == 0 &&
           ::stat(process_path(machine, (std::string{"ns/"} + kind).c_str()).c_str(), &theirs) == 0 &&
           ours.st_ino != theirs.st_ino;
}

// Records of NUL-ended texts: the first byte says which kind.
void add_record(std::string& records, char kind, std::string_view text) {
    (records += kind).append(text.substr(0, text.find('\0'))) += '\0';
}

// One answer that cannot be had leaves the others.
template <typename Body>
void try_to(Body body) {
    try {
        body();
    } catch (const Failure&) {
    }
}

std::string find_out(const Machine& machine, const WantedMachineFacts& wanted) {
    const UniqueFd root = open_path(process_path(machine, "root"), O_PATH | O_DIRECTORY);
    const bool own_network = has_own(machine, "net");
    // As the machine's root, where it is not ours: what it could not read is not read for it (rule R13).
    const int flags = (has_own(machine, "user") ? CLONE_NEWUSER : 0) | (own_network ? CLONE_NEWNET : 0);
    if (flags != 0 && ::setns(machine.leader.descriptor().get(), flags) < 0)
        throw system_failure("join the machine's namespaces");
    std::string records;
    if (own_network)
        add_record(records, 'n', "");
    if (wanted.addresses && own_network)
        try_to([&] {
            for (const std::string& address : read_addresses())
                add_record(records, 'a', address);
        });
    if (wanted.os_release)
        try_to([&] {
            for (const char* path : {"etc/os-release", "usr/lib/os-release"})
                if (const auto text = read_untrusted(root, path))
                    return add_record(records, 'o', *text);
        });
    if (wanted.init)
        try_to([&] { add_record(records, 'i', detect_init(root).kind); });
    return records;
}

} // namespace

MachineFacts read_machine_facts(const Machine& machine, const WantedMachineFacts& wanted) {
    // What it sees until its payload runs is the host's.
    if (machine.opening)
        return {};
    const auto records = find_out_apart([&] { return find_out(machine, wanted); }, patience);
    MachineFacts facts;
    if (!records)
        return facts;
    for (const std::string_view record : split(*records, '\0')) {
        if (record.empty())
            continue;
        const std::string_view text = record.substr(1);
        switch (record.front()) {
        case 'n': facts.has_own_network = true; break;
        case 'a': facts.addresses.emplace_back(text); break;
        case 'o': facts.os_release = parse_os_release(text).value_or(facts.os_release); break;
        case 'i': facts.init = text; break;
        default: break;
        }
    }
    return facts;
}

std::optional<IdShift> read_id_shift(const Machine& machine) {
    const auto users = read_file_if_exists(process_path(machine, "uid_map"));
    const auto groups = read_file_if_exists(process_path(machine, "gid_map"));
    if (!users || users != groups)
        return std::nullopt;
    const auto words = split_words(*users);
    if (words.size() != 3 || words[0] != "0")
        return std::nullopt;
    const auto base = parse_integer<std::uint32_t>(words[1]);
    const auto size = parse_integer<std::uint32_t>(words[2]);
    // A machine has users up to nobody; the host's own map has them all.
    if (!base || !size || *size < 65534 || *base == 0)
        return std::nullopt;
    return IdShift{.base = *base, .size = *size};
}

} // namespace machinist
