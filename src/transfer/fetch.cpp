// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/fetch.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "kernel/forked.hpp"
#include "kernel/pipe.hpp"
#include "transfer/unprivileged.hpp"
#include "transfer/web_client.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
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

[[noreturn]] void fetch_in_child(const FetchRequest& request, BorrowedFd into, BorrowedFd report, pid_t parent) {
    try {
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
        ::_exit(0);
    } catch (const Failure& failure) {
        try {
            write_all(report, "F" + failure.serialize());
        } catch (const Failure&) {
            // The other end has gone.
        }
    } catch (const std::exception&) {
        // The end without a word says it.
    }
    ::_exit(1);
}

} // namespace

Fetched fetch(const FetchRequest& request, BorrowedFd into, ProgressMeter& meter) {
    check_url(request.url, request.may_be_file);
    auto [from, to] = make_pipe();
    const pid_t self = ::getpid();
    const Pidfd child = fork_held();
    if (!child)
        fetch_in_child(request, into, to, self);
    to.reset();
    Report report;
    try {
        for (;;) {
            wait_unless_canceled(from, POLLIN, meter.cancellation().descriptor());
            char buffer[4096];
            const ssize_t count = ::read(from.get(), buffer, sizeof buffer);
            if (count < 0 && errno == EINTR)
                continue;
            if (count <= 0)
                break;
            report.text.append(buffer, static_cast<std::size_t>(count));
            report.take(meter);
        }
    } catch (const Failure&) {
        child.send_signal(SIGKILL);
        (void)::waitid(P_PIDFD, static_cast<id_t>(child.descriptor().get()), nullptr, WEXITED);
        throw;
    }
    (void)::waitid(P_PIDFD, static_cast<id_t>(child.descriptor().get()), nullptr, WEXITED);
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
