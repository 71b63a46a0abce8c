// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/confined_work.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "transfer/confinement.hpp"
#include "transfer/reporting_child.hpp"
#include "transfer/sha256.hpp"
#include "transfer/utf8_locale.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <sys/wait.h>

namespace machinist {

namespace {

constexpr std::size_t longest_line = 8192;
constexpr std::size_t longest_result = std::size_t{1} << 20;

std::string number_or_none(const std::optional<std::uint64_t>& number) {
    return number ? std::to_string(*number) : "-";
}

std::string in_one_line(std::string text) {
    std::ranges::replace_if(
        text,
        [](char letter) {
            return has_control_characters({&letter, 1});
        },
        ' ');
    text.resize(std::min(text.size(), longest_line / 2));
    return text;
}

// The confined process tells in lines: "P BYTES TOTAL RATE LEFT STAGE" and "S PRIORITY SENTENCE" while it works, then
// "R" and the result, or "F" and a failure, up to the end.
struct Report {
    std::string text; // not understood yet

    [[nodiscard]] bool has_ended() const {
        return text.starts_with('R') || text.starts_with('F');
    }

    void take(ProgressMeter& meter) {
        while (!has_ended()) {
            const auto end = text.find('\n');
            if (end == std::string::npos) {
                if (text.size() > longest_line)
                    throw Failure{FailureKind::hostile, "who reads it talks too much"};
                return;
            }
            const std::string line = text.substr(0, end);
            text.erase(0, end + 1);
            if (!has_control_characters(line))
                pass_on(line, meter);
        }
        if (text.size() > longest_result)
            throw Failure{FailureKind::hostile, "who reads it talks too much"};
    }

private:
    static void pass_on(std::string_view line, ProgressMeter& meter) {
        const auto word = [&] {
            const auto end = std::min(line.find(' '), line.size());
            const std::string_view found = line.substr(0, end);
            line.remove_prefix(std::min(end + 1, line.size()));
            return found;
        };
        const std::string_view kind = word();
        if (kind == "S") {
            const auto priority = parse_integer<int>(word());
            meter.say(std::clamp(priority.value_or(6), 3, 7), std::string{line});
        } else if (kind == "P") {
            TransferProgress progress;
            progress.bytes = parse_integer<std::uint64_t>(word()).value_or(0);
            progress.total = parse_integer<std::uint64_t>(word());
            progress.rate = parse_integer<std::uint64_t>(word()).value_or(0);
            progress.left = parse_integer<std::uint64_t>(word());
            progress.stage = line;
            meter.pass_on(progress);
        }
    }
};

std::string work_confined(const Confinement& confinement, const ProgressMeter& watched, BorrowedFd report, pid_t parent,
                          const std::function<std::string(ProgressMeter&)>& work) {
    std::vector<BorrowedFd> kept = confinement.files;
    kept.push_back(report);
    kept.push_back(watched.cancellation().descriptor());
    // Both read files of the host when they are used first.
    const Utf8Locale locale;
    const Sha256 digest;
    confine(confinement.tree, kept, parent);
    ProgressMeter meter{watched.cancellation(),
                        [&](const TransferProgress& progress) {
                            write_all(report, "P " + std::to_string(progress.bytes) + " " +
                                                  number_or_none(progress.total) + " " + std::to_string(progress.rate) +
                                                  " " + number_or_none(progress.left) + " " +
                                                  in_one_line(progress.stage) + "\n");
                        },
                        [&](int priority, const std::string& sentence) {
                            write_all(report, "S " + std::to_string(priority) + " " + in_one_line(sentence) + "\n");
                        }};
    return work(meter);
}

Failure failure_of(const std::string& serialized) {
    auto failure = Failure::deserialize(serialized);
    // Nothing of ours has such in it.
    if (!failure || has_control_characters(failure->what()))
        return Failure{FailureKind::hostile, "who read it has been taken over by it"};
    return *failure;
}

} // namespace

std::string do_confined(const Confinement& confinement, ProgressMeter& meter,
                        const std::function<std::string(ProgressMeter& meter)>& work) {
    Report report;
    const siginfo_t end = hear_from_child(
        meter.cancellation(),
        [&](BorrowedFd to, pid_t parent) { write_all(to, "R" + work_confined(confinement, meter, to, parent, work)); },
        [&](std::string_view bytes) {
            report.text += bytes;
            report.take(meter);
        });
    if (report.text.starts_with('F'))
        throw failure_of(report.text.substr(1));
    if (end.si_code == CLD_EXITED && end.si_status == 0 && report.text.starts_with('R'))
        return report.text.substr(1);
    throw Failure{FailureKind::hostile, end.si_code == CLD_EXITED
                                            ? "who read it ended without a word"
                                            : "who read it was ended by signal " + std::to_string(end.si_status)};
}

std::string find_out_confined(BorrowedFd file, const std::function<std::string()>& question) {
    const Cancellation nobody;
    ProgressMeter meter{nobody, [](const TransferProgress&) {}, [](int, const std::string&) {}};
    return do_confined({.files = {file}}, meter, [&](ProgressMeter&) { return question(); });
}

} // namespace machinist
