// SPDX-License-Identifier: LGPL-2.1-or-later
// Errands in machines for callers: each a process of its own, a limited number at a time, none of them waited for.
#pragma once

#include "bus/event_loop.hpp"
#include "registry/machine.hpp"
#include "registry/places.hpp"
#include "registry/running_errand.hpp"
#include "registry/service/registered_machine.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace machinist {

class Errands {
public:
    // One of the two is there.
    using OnDone = std::function<void(ErrandAnswer* answer, const Failure* failure)>;

    Errands(EventLoop& loop, Places places) : loop_(loop), places_(std::move(places)) {}

    // Throws Failure: too_many, or what start() of an errand throws. No patience: as long as it takes.
    void run(const RegisteredMachine& machine, const Errand& errand, std::optional<std::chrono::seconds> patience,
             OnDone done, const Entry& entry = {});

    // As its files tell it, with the leader that the registry holds.
    [[nodiscard]] Machine machine_of(const RegisteredMachine& machine) const;
    [[nodiscard]] const Places& places() const {
        return places_;
    }

private:
    struct Running {
        RunningErrand errand;
        OnDone done;
        EventSource answered;
        EventSource too_late;
    };
    void finish(std::uint64_t number);
    void give_up(std::uint64_t number);
    std::unique_ptr<Running> take(std::uint64_t number);

    EventLoop& loop_;
    Places places_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, std::unique_ptr<Running>> running_;
};

} // namespace machinist
