// SPDX-License-Identifier: LGPL-2.1-or-later
// org.freedesktop.import1: transfers of images are jobs, seen as systemd-importd shows its own.
#pragma once

#include "bus/served_interface.hpp"
#include "daemon/service.hpp"
#include "registry/service/jobs.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

class Transfers {
public:
    Transfers(Service& service, Jobs& jobs);
    void serve();

private:
    struct Order {
        std::string type; // "import-tar", ...
        std::string name; // of the image
        std::string remote;
        std::string image_class = "machine";
        std::string verify = "no";
        std::string format;
        std::uint64_t flags = 0;
        SharedFd file;
    };

    void attach_imports();
    void attach_exports();
    void attach_pulls();
    void attach_registries();
    void attach_lists();
    void attach_transfers();
    void announce();
    // Of a method and of its form with a class and flags.
    void begin(const Call& call, Order order, std::uint64_t known_flags);
    void cancel(const Call& call, std::uint32_t id);
    [[nodiscard]] const Job& transfer_at(std::string_view path) const;
    [[nodiscard]] std::vector<const Job*> running() const;

    Service& service_;
    Jobs& jobs_;
    ServedInterface manager_;
    ServedInterface transfer_;
};

} // namespace machinist
