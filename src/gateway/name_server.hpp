// SPDX-License-Identifier: LGPL-2.1-or-later
// dnsmasq(8) for one link: started, told of machines, started again when it ends, and ended.
#pragma once

#include "bus/event_loop.hpp"
#include "gateway/dnsmasq_files.hpp"
#include "kernel/pidfd.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace machinist {

class NameServer {
public:
    // Ends one that somebody before us left for this link.
    NameServer(EventLoop& loop, ServedZone zone);
    NameServer(const NameServer&) = delete;
    NameServer& operator=(const NameServer&) = delete;
    ~NameServer();

    // Starts it at the first time.
    void tell(const std::vector<ServedMachine>& machines);
    // "" while it serves, else why not.
    [[nodiscard]] std::string problem() const;
    [[nodiscard]] pid_t process() const {
        return process_.pid();
    }

private:
    void start();
    void ended();
    void have_it_read_again();

    EventLoop& loop_;
    ServedZone zone_;
    Pidfd process_;
    EventSource end_;
    EventSource again_;
    std::chrono::steady_clock::time_point started_;
    unsigned starts_ = 0;
    std::string offers_, names_;
};

// Of a link that nobody sees to any more: its files, and its process if there is one.
void end_left_name_server(const std::filesystem::path& directory);

} // namespace machinist
