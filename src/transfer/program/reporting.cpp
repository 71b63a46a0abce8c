// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/program/reporting.hpp"

#include "base/text.hpp"
#include "kernel/files.hpp"
#include "spec/job_result.hpp"

#include <cstdio>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::chrono::seconds between_lines{5};

std::string json_text(std::string_view text) {
    std::string result = "\"";
    for (const char letter : text) {
        if (letter == '"' || letter == '\\')
            result += '\\';
        result += static_cast<unsigned char>(letter) < ' ' ? ' ' : letter;
    }
    return result + "\"";
}

unsigned columns() {
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::uint64_t microseconds(const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
}

JobResult result_of(const Failure* failure) {
    rusage usage{};
    (void)::getrusage(RUSAGE_SELF, &usage);
    return {.status = failure == nullptr ? 0 : exit_status_for(*failure),
            .failure = failure == nullptr ? "" : failure->what(),
            .user_us = microseconds(usage.ru_utime),
            .system_us = microseconds(usage.ru_stime),
            .memory_peak = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024};
}

} // namespace

Reporting::Reporting(const TransferOrder& order)
    : order_(order), on_terminal_(::isatty(STDERR_FILENO) == 1 && order.job.empty() && !order.json) {}

void Reporting::clear_bar() {
    if (std::exchange(bar_shown_, false))
        std::fputs("\r\x1b[K", stderr);
}

void Reporting::tell(const TransferProgress& progress) {
    if (!order_.job.empty()) {
        write_atomically(order_.job.string() + ".progress", write_transfer_progress(progress), 0600);
        return;
    }
    if (order_.json) {
        std::string line = "{\"stage\":" + json_text(progress.stage) + ",\"bytes\":" + std::to_string(progress.bytes) +
                           ",\"total\":" + (progress.total ? std::to_string(*progress.total) : "null") +
                           ",\"rate\":" + std::to_string(progress.rate) +
                           ",\"left_usec\":" + (progress.left ? std::to_string(*progress.left) : "null") + "}\n";
        std::fputs(line.c_str(), stdout);
        std::fflush(stdout);
        return;
    }
    if (order_.quiet)
        return;
    if (on_terminal_) {
        std::fprintf(stderr, "\r%s\x1b[K", transfer_progress_bar(progress, columns() - 1).c_str());
        bar_shown_ = true;
        return;
    }
    const auto now = std::chrono::steady_clock::now();
    const bool is_new_stage = progress.stage != stage_;
    if (!is_new_stage && now - told_ < between_lines)
        return;
    stage_ = progress.stage;
    told_ = now;
    std::fprintf(stderr, "%s\n", is_new_stage ? stage_.c_str() : transfer_progress_text(progress).c_str());
}

void Reporting::say(int priority, const std::string& sentence) {
    if (!order_.job.empty()) {
        const UniqueFd file{::open((order_.job.string() + ".log").c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)};
        if (file)
            write_all(file, std::to_string(priority) + " " + escaped_for_people(sentence) + "\n");
        return;
    }
    clear_bar();
    constexpr int warning = 4;
    if (priority <= warning || !order_.quiet)
        std::fprintf(stderr, "machinist: %s\n", sentence.c_str());
}

void Reporting::finish(const std::string& what, const Failure* failure) {
    clear_bar();
    if (!order_.job.empty()) {
        constexpr int error = 3;
        constexpr int information = 6;
        say(failure != nullptr ? error : information, failure != nullptr ? failure->what() : what);
        write_atomically(order_.job.string() + ".result", write_job_result(result_of(failure)), 0600);
        return;
    }
    if (order_.json)
        std::fputs(("{\"result\":" + json_text(failure == nullptr ? "done" : "failed") +
                    ",\"message\":" + json_text(failure == nullptr ? what : failure->what()) + "}\n")
                       .c_str(),
                   stdout);
    if (failure != nullptr)
        std::fprintf(stderr, "machinist: %s\n", failure->what());
    else if (!order_.quiet && !order_.json)
        std::fprintf(stderr, "%s\n", what.c_str());
}

} // namespace machinist
