// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/disk_probe.hpp"

#include "base/base64.hpp"
#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "base/text.hpp"
#include "kernel/process.hpp"

#include <chrono>

namespace machinist {

namespace {

constexpr std::chrono::seconds patience{20};

Failure senseless() {
    return Failure{FailureKind::internal, "look for partitions: machinist-dissect answered nothing that has a meaning"};
}

// What the program says, or the failure that it tells of.
std::string answer_about(BorrowedFd disk, const std::vector<std::string>& options) {
    std::vector<std::string> words{own_program("machinist-dissect").string()};
    words.insert(words.end(), options.begin(), options.end());
    RunningProgram dissector{words, disk};
    auto result = dissector.finish_within(patience);
    if (!result)
        throw Failure{FailureKind::hostile, "look for partitions: it took longer than 20 seconds"};
    constexpr int killed = 128;
    if (result->status > killed)
        throw Failure{FailureKind::hostile, "look for partitions: it made the program that looks end by signal " +
                                                std::to_string(result->status - killed)};
    if (auto failure = Failure::deserialize(result->output); failure && result->status != 0)
        throw std::move(*failure);
    if (result->status != 0)
        throw senseless();
    return std::move(result->output);
}

} // namespace

DiskLayout probe_disk(BorrowedFd disk) {
    auto layout = parse_disk_layout(answer_about(disk, {}));
    if (!layout)
        throw senseless();
    return std::move(*layout);
}

std::optional<SignedHash> read_signed_hash(BorrowedFd disk, const Partition& partition) {
    const std::string answer =
        answer_about(disk, {"--root-hash=" + std::to_string(partition.offset) + "," + std::to_string(partition.size)});
    if (answer == "none\n")
        return std::nullopt;
    auto hash = parse_signed_hash(answer);
    if (!hash)
        throw senseless();
    return hash;
}

std::vector<DiskEdit> plan_disk_growth(BorrowedFd disk, std::uint64_t bytes) {
    const std::string answer = answer_about(disk, {"--grow-to=" + std::to_string(bytes)});
    const auto lines = split(answer, '\n');
    if (lines.size() < 2 || lines[lines.size() - 2] != "end" || !lines.back().empty())
        throw senseless();
    std::vector<DiskEdit> edits;
    for (std::size_t at = 0; at + 2 < lines.size(); ++at) {
        const std::size_t blank = lines[at].find(' ');
        const auto offset = parse_integer<std::uint64_t>(lines[at].substr(0, blank));
        auto content = blank == std::string_view::npos ? std::nullopt : from_base64(lines[at].substr(blank + 1));
        if (!offset || !content || *offset > bytes || content->size() > bytes - *offset)
            throw senseless();
        edits.push_back({*offset, std::move(*content)});
    }
    return edits;
}

} // namespace machinist
