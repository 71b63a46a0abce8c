// SPDX-License-Identifier: LGPL-2.1-or-later
// A link of the host's that only we see to: a zone's bridge, or the end of one machine's own link.
#pragma once

#include "gateway/name_server.hpp"
#include "gateway/zone_subnets.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace machinist {

class ServedLink {
public:
    // wanted: addresses of the host's that machines already know as their gateway. others: what other links have.
    // Throws Failure if nothing is free.
    ServedLink(EventLoop& loop, std::string name, const std::filesystem::path& directory,
               const std::vector<IpPrefix>& wanted, const std::vector<IpPrefix>& others);

    // Once the link is there: its addresses, and somebody who serves on it. Throws Failure.
    void serve(const std::vector<ServedMachine>& machines);
    // Where another had the name, the link was given this one.
    void set_device(const std::string& device);
    [[nodiscard]] const std::string& device() const {
        return device_;
    }

    [[nodiscard]] const std::string& name() const {
        return name_;
    }
    [[nodiscard]] const ZoneSubnets& subnets() const {
        return subnets_;
    }
    [[nodiscard]] const NameServer* name_server() const {
        return name_server_.get();
    }

private:
    EventLoop& loop_;
    std::string name_; // that its addresses follow from
    std::string device_;
    std::filesystem::path directory_;
    ZoneSubnets subnets_;
    unsigned index_ = 0; // that has the addresses; 0: none yet
    std::unique_ptr<NameServer> name_server_;
};

} // namespace machinist
