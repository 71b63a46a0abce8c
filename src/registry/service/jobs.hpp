// SPDX-License-Identifier: LGPL-2.1-or-later
// The daemon's jobs. Each is done by a process or a unit that does not need the daemon, and is written down: another
// daemon finds it again, and how it ended.
#pragma once

#include "bus/event_loop.hpp"
#include "bus/unit_manager.hpp"
#include "registry/entry.hpp"
#include "registry/service/job.hpp"
#include "registry/service/taken_streams.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace machinist {

struct JobEvents {
    std::function<void(const Job&)> added;
    std::function<void(const Job&)> finished;
    std::function<void(const Job&)> removed;
    // Of transfers.
    std::function<void(const Job&)> progressed;
    std::function<void(const Job&, unsigned priority, const std::string& line)> said;
};

class Jobs {
public:
    Jobs(EventLoop& loop, UnitManager& units, std::filesystem::path directory)
        : loop_(loop), units_(units), directory_(std::move(directory)) {}

    // Each family of interfaces has its own.
    void announce_to(JobEvents events) {
        events_.push_back(std::move(events));
    }
    // What other daemons began.
    void adopt();

    // A command in a machine; what is not there of its three streams is empty. Throws Failure.
    const Job& execute(const Machine& machine, const Entry& entry, const CallersStreams& streams, std::uint32_t owner,
                       const Places& places);
    // A machine's unit. No properties: one that exists. Done when systemd says that it is started.
    const Job& start(const std::string& machine, const std::string& unit,
                     const std::optional<std::vector<std::string>>& command, std::uint32_t owner);

    // A machine, for as long as it lives; arguments are those of `machinist run`.
    const Job& run(const std::string& machine, const std::vector<std::string>& arguments, const CallersStreams& streams,
                   std::uint32_t owner);

    // By machinist-transfer with these arguments; file is what comes or goes, if it is one of the caller's. Its record
    // needs what it is, its image and its owner.
    const Job& transfer(JobRecord record, const std::vector<std::string>& arguments, BorrowedFd file);

    // A command is asked to end, and killed when it does not; a unit is stopped; a machine is shut down, and ended when
    // that lasts.
    void cancel(std::uint32_t id);

    // The machine of that name is there; it is not there any more.
    void machine_came(std::string_view machine);
    void machine_went(std::string_view machine);

    [[nodiscard]] bool is_working() const;
    // Throws Failure(not_found).
    [[nodiscard]] const Job& get(std::uint32_t id) const;
    [[nodiscard]] const std::map<std::uint32_t, std::unique_ptr<Job>>& all() const {
        return jobs_;
    }

private:
    Job& add(JobRecord record);
    // A job without a record is none: its process gets end_signal then, and the job is gone.
    void begin(Job& job, int end_signal, const std::function<Pidfd()>& start);
    Job& find(std::uint32_t id);
    void write(const Job& job) const;
    void watch(Job& job);
    void note_machine(std::string_view machine, bool has_ended);
    void process_ended(std::uint32_t id);
    void unit_started(std::uint32_t id, const Failure* failure);
    void finish(Job& job, JobResult result);
    void remove(std::uint32_t id);
    void keep_for_a_while(std::uint32_t id);
    void follow_transfers();
    void look_at_transfer(Job& job);
    template <typename... Arguments>
    void announce(std::function<void(Arguments...)> JobEvents::*event,
                  const std::type_identity_t<Arguments>&... arguments) const;
    [[nodiscard]] std::filesystem::path record_file(std::uint32_t id) const;
    [[nodiscard]] std::filesystem::path result_file(std::uint32_t id) const;
    [[nodiscard]] std::filesystem::path file_of(std::uint32_t id, const char* suffix) const;

    EventLoop& loop_;
    UnitManager& units_;
    std::filesystem::path directory_;
    std::vector<JobEvents> events_;
    EventSource follow_;
    std::uint32_t last_ = 0;
    std::map<std::uint32_t, std::unique_ptr<Job>> jobs_;
    std::map<std::uint32_t, EventSource> kept_; // finished ones, until they are forgotten
};

} // namespace machinist
