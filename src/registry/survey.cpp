// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/survey.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/os_release.hpp"
#include "kernel/addresses.hpp"
#include "kernel/files.hpp"
#include "kernel/forked.hpp"
#include "kernel/pidfd.hpp"
#include "kernel/sockets.hpp"
#include "registry/id_mapping.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <new>
#include <poll.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::size_t most_workers = 4;
constexpr std::size_t enough_for_another = 50; // machines
constexpr auto longest_look = 500ms;           // at one machine
constexpr auto between_checks = 100ms;
constexpr std::size_t longest_value = 256;
constexpr std::size_t longest_finding = 7000; // one message

// Lies in memory that all workers see.
struct Shared {
    std::atomic<std::size_t> next{0};
    std::array<std::atomic<std::int64_t>, most_workers> began{}; // nanoseconds; 0: at no machine
};

std::int64_t nanoseconds_now() {
    return std::chrono::nanoseconds{Clock::now().time_since_epoch()}.count();
}

std::string value_of(const std::map<std::string, std::string>& fields, const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() || found->second.size() > longest_value ? "" : found->second;
}

// With the rights that the machine's root has on files, for as long as it lives.
class FileRights {
public:
    explicit FileRights(const IdMappings& mappings) {
        if (mappings.are_the_hosts())
            return;
        const auto group = outside_of(mappings.groups, 0);
        const auto user = outside_of(mappings.users, 0);
        if (!group || !user)
            throw Failure{FailureKind::not_supported, "the machine has no root user"};
        ::setfsgid(*group);
        ::setfsuid(*user);
    }
    FileRights(const FileRights&) = delete;
    FileRights& operator=(const FileRights&) = delete;
    ~FileRights() {
        ::setfsuid(0);
        ::setfsgid(0);
    }
};

class Surveyor {
public:
    explicit Surveyor(const SurveyWish& wish) : wish_(wish), host_(status_of(open_path("/", O_PATH))) {
        const struct stat network = status_of(open_path("/proc/self/ns/net", O_PATH));
        host_network_ = network.st_ino;
    }

    [[nodiscard]] std::optional<SurveyFinding> look_at(const SurveyTarget& target) const {
        const auto leader = Pidfd::open(target.leader);
        if (!leader || (target.pidfd_inode != 0 && leader->inode() != 0 && leader->inode() != target.pidfd_inode))
            return std::nullopt;
        const std::string process = "/proc/" + std::to_string(target.leader);
        SurveyFinding finding;
        finding.leader = target.leader;
        if (wish_.system)
            read_system(*leader, process, finding);
        if (wish_.addresses)
            read_network(*leader, process, finding);
        return finding;
    }

private:
    void read_system(const Pidfd& leader, const std::string& process, SurveyFinding& finding) const {
        const UniqueFd root = open_path(process + "/root", O_PATH | O_DIRECTORY);
        // What a leader sees until it runs its payload is the host's.
        const struct stat there = status_of(root);
        if (there.st_dev == host_.st_dev && there.st_ino == host_.st_ino)
            return;
        // Also tells whether the root was that of this leader, and not of a later process of its number.
        const IdMappings mappings = read_id_mappings(leader);
        try {
            const FileRights rights{mappings};
            for (const char* path : {"etc/os-release", "usr/lib/os-release"}) {
                const auto text = read_untrusted(root, path);
                if (!text)
                    continue;
                const auto fields = parse_os_release(*text).value_or(std::map<std::string, std::string>{});
                finding.system = value_of(fields, "ID");
                finding.version = value_of(fields, "VERSION_ID");
                finding.title = value_of(fields, "PRETTY_NAME");
                return;
            }
        } catch (const Failure&) {
            // The machine's own fault; its addresses may be had all the same.
        }
    }

    void read_network(const Pidfd& leader, const std::string& process, SurveyFinding& finding) const {
        finding.has_own_network = status_of(open_path(process + "/ns/net", O_PATH)).st_ino != host_network_;
        if (finding.has_own_network && ::setns(leader.descriptor().get(), CLONE_NEWNET) == 0)
            finding.addresses = read_addresses();
    }

    SurveyWish wish_;
    struct stat host_;
    ino_t host_network_ = 0;
};

[[noreturn]] void work(const std::vector<SurveyTarget>& targets, const SurveyWish& wish, BorrowedFd reply,
                       Shared& shared, std::size_t worker) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
        const Surveyor surveyor{wish};
        for (std::size_t at = 0; (at = shared.next.fetch_add(1)) < targets.size();) {
            shared.began[worker] = nanoseconds_now();
            try {
                if (const auto finding = surveyor.look_at(targets[at]))
                    send_message(reply, finding_message(*finding));
            } catch (const Failure&) {
                // It ends at this moment, or cannot be looked into.
            }
        }
    } catch (const std::exception&) {
        ::_exit(EXIT_FAILURE);
    }
    ::_exit(EXIT_SUCCESS);
}

class Team {
public:
    Team(const std::vector<SurveyTarget>& targets, const SurveyWish& wish, BorrowedFd reply)
        : targets_(targets), wish_(wish), reply_(reply) {
        void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            throw system_failure("share memory with workers");
        shared_ = new (memory) Shared;
        const std::size_t count = std::clamp(targets.size() / enough_for_another, std::size_t{1}, most_workers);
        for (std::size_t worker = 0; worker < count; ++worker)
            start(worker);
    }
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;
    ~Team() {
        ::munmap(shared_, sizeof(Shared));
    }

    void finish() {
        while (std::ranges::any_of(workers_, [](const Pidfd& worker) { return static_cast<bool>(worker); })) {
            std::vector<pollfd> all;
            for (const Pidfd& worker : workers_)
                all.push_back({.fd = worker ? worker.descriptor().get() : -1, .events = POLLIN, .revents = 0});
            (void)::poll(all.data(), all.size(), static_cast<int>(between_checks.count()));
            for (std::size_t worker = 0; worker < workers_.size(); ++worker)
                if (workers_[worker])
                    look_after(worker);
        }
    }

private:
    void start(std::size_t worker) {
        shared_->began[worker] = 0;
        workers_[worker] = fork_held();
        if (!workers_[worker])
            work(targets_, wish_, reply_, *shared_, worker);
    }

    void look_after(std::size_t worker) {
        const std::int64_t began = shared_->began[worker];
        const bool ended = !workers_[worker].alive();
        const bool held =
            !ended && began != 0 && nanoseconds_now() - began > std::chrono::nanoseconds{longest_look}.count();
        if (!ended && !held)
            return;
        // A machine can hold even a killed process; then it is left to the end of this one.
        workers_[worker].send_signal(SIGKILL);
        workers_[worker] = Pidfd{};
        // Each one that is lost took a machine with it, so this comes to an end.
        if (shared_->next < targets_.size())
            start(worker);
    }

    const std::vector<SurveyTarget>& targets_;
    const SurveyWish& wish_;
    BorrowedFd reply_;
    Shared* shared_ = nullptr;
    std::array<Pidfd, most_workers> workers_;
};

} // namespace

void survey(const std::vector<SurveyTarget>& targets, const SurveyWish& wish, BorrowedFd reply) {
    Team{targets, wish, reply}.finish();
}

// Texts that end with a zero byte: none of them can hold one, since all are lines of text.
std::string finding_message(const SurveyFinding& finding) {
    std::string bytes;
    const auto add = [&](std::string_view text) { bytes.append(text.substr(0, text.find('\0'))).append(1, '\0'); };
    add(std::to_string(finding.leader));
    add(finding.has_own_network ? "own" : "");
    add(finding.system);
    add(finding.version);
    add(finding.title);
    for (const std::string& address : finding.addresses)
        if (bytes.size() + address.size() < longest_finding)
            add(address);
    return bytes;
}

std::optional<SurveyFinding> read_finding_message(std::string_view bytes) {
    if (!bytes.ends_with('\0'))
        return std::nullopt;
    bytes.remove_suffix(1);
    const auto texts = split(bytes, '\0');
    constexpr std::size_t before_addresses = 5;
    const auto leader = texts.size() < before_addresses ? std::nullopt : parse_integer<pid_t>(texts[0]);
    if (!leader)
        return std::nullopt;
    return SurveyFinding{.leader = *leader,
                         .system = std::string{texts[2]},
                         .version = std::string{texts[3]},
                         .title = std::string{texts[4]},
                         .addresses = {texts.begin() + before_addresses, texts.end()},
                         .has_own_network = texts[1] == "own"};
}

std::string target_word(const SurveyTarget& target) {
    return std::to_string(target.leader) + ":" + std::to_string(target.pidfd_inode);
}

std::optional<SurveyTarget> read_target_word(std::string_view word) {
    const std::size_t colon = word.find(':');
    if (colon == std::string_view::npos)
        return std::nullopt;
    const auto leader = parse_integer<pid_t>(word.substr(0, colon));
    const auto inode = parse_integer<std::uint64_t>(word.substr(colon + 1));
    if (!leader || *leader <= 0 || !inode)
        return std::nullopt;
    return SurveyTarget{.leader = *leader, .pidfd_inode = *inode};
}

} // namespace machinist
