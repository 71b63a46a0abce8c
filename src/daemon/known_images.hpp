// SPDX-License-Identifier: LGPL-2.1-or-later
// The images of the pool as the bus sees them: read anew for each message, told of when callers changed them.
#pragma once

#include "bus/event_loop.hpp"
#include "image/pool.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <systemd/sd-bus.h>
#include <vector>

namespace machinist {

class KnownImages {
public:
    using Images = std::map<std::string, PoolImage, std::less<>>;

    KnownImages(EventLoop& loop, sd_bus* bus) : loop_(loop), bus_(bus) {}

    // Nothing if there is none.
    [[nodiscard]] const PoolImage* find(std::string_view name);
    // Throws Failure(no_image).
    [[nodiscard]] const PoolImage& get(std::string_view name);
    [[nodiscard]] const Images& all();
    [[nodiscard]] const Pool& pool() const {
        return pool_;
    }

    // Before and after something is done to them.
    using States = std::vector<std::pair<std::string, std::optional<PoolImage>>>;
    [[nodiscard]] States states_of(const std::vector<std::string>& names);
    void announce_changes(const States& before);

private:
    void forget_soon();

    EventLoop& loop_;
    sd_bus* bus_;
    Pool pool_;
    // An object has a dozen properties, each of which is asked for by itself.
    std::optional<Images> all_;
    std::map<std::string, std::optional<PoolImage>, std::less<>> found_;
    EventSource forget_;
};

} // namespace machinist
