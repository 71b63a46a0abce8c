// SPDX-License-Identifier: LGPL-2.1-or-later
// Errands in machines and with images for callers: each a process of its own, a limited number at a time, none of them
// waited for.
#pragma once

#include "bus/connection.hpp"
#include "bus/event_loop.hpp"
#include "registry/machine.hpp"
#include "registry/places.hpp"
#include "registry/running_errand.hpp"
#include "registry/service/registered_machine.hpp"
#include "spec/image_errand.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace machinist {

// When an errand is given up before its end.
struct Until {
    std::optional<std::chrono::seconds> patience = {}; // none: as long as it takes
    std::string caller = {};                           // it has left the bus; empty: never for that
};

class Errands {
public:
    // One of the two is there.
    using OnDone = std::function<void(ErrandAnswer* answer, const Failure* failure)>;

    Errands(EventLoop& loop, Connection& bus, Places places) : loop_(loop), bus_(bus), places_(std::move(places)) {}

    // Throws Failure: too_many, or what start() of an errand throws. Given up, too, when the machine is gone.
    std::uint64_t run(const RegisteredMachine& machine, const Errand& errand, const Until& until, OnDone done,
                      const Entry& entry = {});
    std::uint64_t run(const ImageErrand& errand, const Until& until, OnDone done);
    // Of a program of ours that enters nothing: PROGRAM REPLY-DESCRIPTOR WORD...
    std::uint64_t run(const RegisteredMachine& machine, const std::string& program,
                      const std::vector<std::string>& words, const Until& until, OnDone done);
    // For callers that are not on the bus; number: what run() returned.
    void caller_gone(std::uint64_t number);
    void machine_gone(std::string_view name);

    // As its files tell it, with the leader that the registry holds.
    [[nodiscard]] Machine machine_of(const RegisteredMachine& machine) const;
    [[nodiscard]] const Places& places() const {
        return places_;
    }

private:
    struct Running {
        std::string machine; // empty: none's
        RunningErrand errand;
        OnDone done;
        EventSource answered;
        EventSource too_late;
        BusSlot caller_gone;
    };
    void refuse_too_many() const;
    std::uint64_t keep(const std::string& machine, RunningErrand errand, const Until& until, OnDone done);
    void finish(std::uint64_t number);
    void give_up(std::uint64_t number, const Failure& why);
    std::unique_ptr<Running> take(std::uint64_t number);

    EventLoop& loop_;
    Connection& bus_;
    Places places_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, std::unique_ptr<Running>> running_;
};

} // namespace machinist
