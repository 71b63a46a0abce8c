// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/name_server.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "bus/log.hpp"
#include "kernel/files.hpp"
#include "kernel/forked.hpp"
#include "kernel/process_status.hpp"
#include "registry/recorded_leader.hpp"

#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr const char* programs[]{"/usr/sbin/dnsmasq", "/usr/local/sbin/dnsmasq", "/sbin/dnsmasq"};
constexpr unsigned most_starts = 5;
constexpr std::chrono::seconds pause_before_start{1};
constexpr std::chrono::seconds time_to_start{2};

const char* installed_program() {
    for (const char* program : programs)
        if (::access(program, X_OK) == 0)
            return program;
    return nullptr;
}

[[noreturn]] void become(const char* program, const std::string& settings, const std::string& errors) {
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    const int said = ::open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ::dup2(nowhere, STDIN_FILENO);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(said >= 0 ? said : nowhere, STDERR_FILENO);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    // We may ask it to read again before it has said what it does then.
    ::signal(SIGHUP, SIG_IGN);
    const std::string file = "--conf-file=" + settings;
    ::execl(program, "dnsmasq", "--keep-in-foreground", file.c_str(), nullptr);
    ::_exit(127);
}

} // namespace

void end_left_name_server(const std::filesystem::path& directory) {
    const auto recorded = parse_recorded_leader(read_file_if_exists(directory / "process").value_or(""));
    if (const auto process = recorded ? hold_leader(*recorded) : std::nullopt) {
        (void)process->send_signal(SIGKILL);
        (void)process->wait_for_end(1000);
    }
    (void)::unlink((directory / "process").c_str());
}

NameServer::NameServer(EventLoop& loop, ServedZone zone) : loop_(loop), zone_(std::move(zone)) {
    end_left_name_server(zone_.directory);
    make_directories(zone_.directory, 0755);
    write_atomically(zone_.directory / "settings", dnsmasq_settings(zone_), 0644);
}

NameServer::~NameServer() {
    end_ = {};
    again_ = {};
    if (process_ && process_.alive()) {
        // It keeps nothing that would be lost: leases are written when they are given.
        (void)process_.send_signal(SIGKILL);
        (void)::waitpid(process_.pid(), nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(zone_.directory, ignored);
}

void NameServer::tell(const std::vector<ServedMachine>& machines) {
    std::string offers = dnsmasq_offers(machines);
    std::string names = dnsmasq_names(machines);
    const bool changed = offers != offers_ || names != names_;
    if (changed || starts_ == 0) {
        write_atomically(zone_.directory / "offers", offers, 0644);
        write_atomically(zone_.directory / "names", names, 0644);
        offers_ = std::move(offers);
        names_ = std::move(names);
    }
    if (starts_ == 0)
        start();
    else if (changed && process_)
        have_it_read_again();
}

void NameServer::have_it_read_again() {
    (void)process_.send_signal(SIGHUP);
    // While it starts it hears no signal, and may have read its files already.
    if (std::chrono::steady_clock::now() - started_ < time_to_start)
        again_ = loop_.after(time_to_start, [this] {
            if (process_)
                (void)process_.send_signal(SIGHUP);
        });
}

void NameServer::start() {
    ++starts_;
    const char* program = installed_program();
    if (program == nullptr) {
        log_warning("no dnsmasq is installed: machines behind " + zone_.bridge + " get neither addresses nor names");
        return;
    }
    const std::string settings = zone_.directory / "settings", errors = zone_.directory / "errors";
    Pidfd child = fork_held();
    if (!child)
        become(program, settings, errors);
    process_ = std::move(child);
    started_ = std::chrono::steady_clock::now();
    write_atomically(zone_.directory / "process",
                     std::to_string(process_.pid()) + " " + std::to_string(process_.inode()) + " " +
                         std::to_string(start_time_of(process_.pid()).value_or(0)) + "\n",
                     0644);
    end_ = loop_.when_ended(process_.descriptor(), [this] { ended(); });
}

void NameServer::ended() {
    (void)::waitpid(process_.pid(), nullptr, 0);
    process_ = {};
    log_warning("dnsmasq for " + zone_.bridge + " has ended: " + problem());
    if (starts_ < most_starts)
        again_ = loop_.after(pause_before_start, [this] { start(); });
}

std::string NameServer::problem() const {
    if (process_)
        return {};
    if (installed_program() == nullptr)
        return "no dnsmasq is installed";
    const std::string said = read_file_if_exists(zone_.directory / "errors").value_or("");
    const auto lines = split_words(said, "\n");
    return lines.empty() ? "it ended without a word" : escaped_for_people(lines.back());
}

} // namespace machinist
