// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/disk_unlock.hpp"

#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"

#include <chrono>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace machinist {

namespace {

// A header may ask for a minute's work of several processors.
constexpr std::chrono::seconds patience{300};

std::string ask(BorrowedFd device, const std::vector<std::string>& words) {
    const std::string program = own_program("machinist-unlock").string();
    if (::access(program.c_str(), X_OK) < 0)
        throw Failure{FailureKind::not_supported, "read its header: this installation has no machinist-unlock"};
    std::vector<std::string> arguments{program};
    arguments.insert(arguments.end(), words.begin(), words.end());
    RunningProgram reader{arguments, device};
    auto result = reader.finish_within(patience);
    if (!result)
        throw Failure{FailureKind::hostile, "read its header: it took longer than five minutes"};
    if (auto failure = Failure::deserialize(result->output); failure && result->status != 0)
        throw std::move(*failure);
    constexpr int cannot_be_loaded = 127, killed = 128;
    if (result->status == cannot_be_loaded)
        throw Failure{FailureKind::not_supported, "read its header: machinist-unlock finds no libcryptsetup"}
            .try_instead("installing libcryptsetup");
    if (result->status > killed)
        throw Failure{FailureKind::hostile, "read its header: it made the program that reads end by signal " +
                                                std::to_string(result->status - killed)};
    if (result->status != 0)
        throw Failure{FailureKind::internal, "read its header: machinist-unlock answered nothing that has a meaning"};
    return std::move(result->output);
}

Failure senseless() {
    return Failure{FailureKind::hostile, "read its header: it says nothing that a device can be made of"};
}

} // namespace

std::optional<LuksOpening> unlock(BorrowedFd device, std::string_view passphrase) {
    // Inherited: a file that nobody else can open.
    const UniqueFd secret{::memfd_create("passphrase", 0)};
    if (!secret)
        throw system_failure("make a file in memory");
    write_all(secret, passphrase);
    if (::lseek(secret.get(), 0, SEEK_SET) < 0)
        throw system_failure("rewind a file in memory");
    std::string answer = ask(device, {"luks", std::to_string(secret.get())});
    if (answer == "no\n")
        return std::nullopt;
    auto opening = parse_luks_opening(answer);
    ::explicit_bzero(answer.data(), answer.size());
    if (!opening)
        throw senseless();
    return opening;
}

VerityOpening read_hash_tree(BorrowedFd tree) {
    auto opening = parse_verity_opening(ask(tree, {"verity"}));
    if (!opening)
        throw senseless();
    return std::move(*opening);
}

} // namespace machinist
