// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/fetch.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "transfer/reporting_child.hpp"
#include "transfer/unprivileged.hpp"
#include "transfer/web_client.hpp"

#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace machinist {

namespace {

constexpr std::uint64_t largest_text = std::uint64_t{4} << 20;

// The fetching process tells in lines: "P BYTES TOTAL" while it works, then "R FOUND UNCHANGED ETAG", or "F" and a
// failure up to the end.
struct Report {
    std::optional<Fetched> result;
    std::string text; // not understood yet

    void take(ProgressMeter& meter) {
        while (!text.starts_with('F')) {
            const auto end = text.find('\n');
            if (end == std::string::npos)
                return;
            const auto words = split_words(std::string_view{text}.substr(0, end), " ");
            if (words.size() == 3 && words[0] == "P") {
                if (const auto total = parse_integer<std::uint64_t>(words[2]); total && *total > 0)
                    meter.learn_total(*total);
                meter.tick(parse_integer<std::uint64_t>(words[1]).value_or(0));
            } else if (text.starts_with("C ")) {
                result = Fetched{.challenge = text.substr(2, end - 2)};
            } else if (words.size() >= 3 && words[0] == "R") {
                result = Fetched{.found = words[1] == "1",
                                 .unchanged = words[2] == "1",
                                 .etag = words.size() > 3 ? std::string{words[3]} : std::string{}};
            }
            text.erase(0, end + 1);
        }
    }
};

void fetch_in_child(const FetchRequest& request, BorrowedFd into, BorrowedFd report, pid_t parent) {
    const Certificates certificates = chosen_certificates();
    become_unprivileged({into, report}, parent, false);
    const auto tell = [&](std::uint64_t bytes, std::uint64_t total) {
        write_all(report, "P " + std::to_string(bytes) + " " + std::to_string(total) + "\n");
    };
    const Fetched fetched = fetch_here(request, certificates, into, tell);
    if (fetched.challenge)
        write_all(report, "C " + *fetched.challenge + "\n");
    else
        write_all(report, std::string{"R "} + (fetched.found ? "1 " : "0 ") + (fetched.unchanged ? "1 " : "0 ") +
                              fetched.etag + "\n");
}

} // namespace

Fetched fetch(const FetchRequest& request, BorrowedFd into, ProgressMeter& meter) {
    check_url(request.url, request.may_be_file);
    Report report;
    hear_from_child(
        meter.cancellation(), [&](BorrowedFd to, pid_t parent) { fetch_in_child(request, into, to, parent); },
        [&](std::string_view bytes) {
            report.text += bytes;
            report.take(meter);
        });
    if (report.result)
        return *report.result;
    if (auto failure = Failure::deserialize(std::string_view{report.text}.substr(report.text.empty() ? 0 : 1)))
        throw *failure;
    throw Failure{FailureKind::system, "fetch '" + escaped_for_people(request.url) + "': the process ended"};
}

std::optional<std::string> fetch_text(FetchRequest request, ProgressMeter& meter) {
    request.most = largest_text;
    request.may_be_missing = true;
    const UniqueFd file{::memfd_create("fetched", MFD_CLOEXEC)};
    if (!file)
        throw system_failure("make a file in memory");
    if (!fetch(request, file, meter).found)
        return std::nullopt;
    ::lseek(file.get(), 0, SEEK_SET);
    return read_all(file, largest_text);
}

} // namespace machinist
