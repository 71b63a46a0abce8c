// SPDX-License-Identifier: LGPL-2.1-or-later
// Where answers go: the connection as calls see it.
#pragma once

#include "base/unique_fd.hpp"

#include <functional>
#include <nlohmann/json_fwd.hpp>

namespace machinist::varlink {

class Answers {
public:
    Answers() = default;
    Answers(const Answers&) = delete;
    Answers& operator=(const Answers&) = delete;
    virtual ~Answers() = default;

    virtual void send(const nlohmann::json& message, BorrowedFd descriptor) = 0;
    virtual void call_done() = 0;
    virtual void when_gone(std::function<void()> handler) = 0;
};

} // namespace machinist::varlink
