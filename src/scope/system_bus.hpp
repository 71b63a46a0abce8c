// SPDX-License-Identifier: LGPL-2.1-or-later
// The system bus for one short life: calls that block, and the refusals that are expected answers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <systemd/sd-bus.h>

namespace machinist {

struct MessageRelease {
    void operator()(sd_bus_message* message) const {
        sd_bus_message_unref(message);
    }
};
using BusMessage = std::unique_ptr<sd_bus_message, MessageRelease>;

struct BusReply {
    BusMessage message;  // set if it succeeded
    std::string refused; // else the name of the error
    std::string reason;
    int error_number = 0;
};

struct Member {
    const char* destination;
    const char* path;
    const char* interface;
    const char* name;
};

class SystemBus {
public:
    // Nothing if nobody listens there.
    static std::optional<SystemBus> open();
    // Over a fresh connection, made by the process that we speak for. Nothing if the other end is no bus.
    static std::optional<SystemBus> adopt(int connection);

    [[nodiscard]] BusMessage new_call(const Member& member) const;
    // Every error that a service gives is an answer here.
    [[nodiscard]] BusReply call(const BusMessage& message) const;
    // Failure with what was being done before it, for anything but success.
    BusMessage must_call(const BusMessage& message, const std::string& doing) const;
    // Of an object of systemd or machined. Nothing if it is not to be had.
    [[nodiscard]] std::optional<std::string> text_property(const Member& property) const;
    [[nodiscard]] std::optional<std::uint32_t> number_property(const Member& property) const;

    [[nodiscard]] sd_bus* get() const {
        return bus_.get();
    }

private:
    struct Close {
        void operator()(sd_bus* bus) const {
            sd_bus_flush_close_unref(bus);
        }
    };
    std::unique_ptr<sd_bus, Close> bus_;
};

// For sd-bus functions that fail only for want of memory or by a bug.
void must(int result, const char* what);

} // namespace machinist
