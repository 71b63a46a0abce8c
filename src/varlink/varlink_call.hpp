// SPDX-License-Identifier: LGPL-2.1-or-later
// One call over Varlink that waits for its answer. It may be kept and answered later; copies mean the same call.
#pragma once

#include "base/failure.hpp"
#include "base/unique_fd.hpp"

#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <sys/types.h>

namespace machinist::varlink {

// Who is at the other end, as the kernel says.
struct Peer {
    uid_t uid = UINT32_MAX;
    pid_t pid = 0;
    std::uint64_t start_time = 0; // of that process, so that its number means no other
};

class Answers; // the connection, for as long as it is there

class Call {
public:
    Call(std::weak_ptr<Answers> answers, nlohmann::json message, const Peer& peer);

    [[nodiscard]] const std::string& method() const;
    [[nodiscard]] const nlohmann::json& parameters() const;
    [[nodiscard]] bool wants_more() const;
    [[nodiscard]] const Peer& peer() const;
    // Called when the peer leaves before it was answered.
    void when_gone(std::function<void()> handler) const;

    // The last answer. descriptor: goes with it, as number 0.
    void reply(nlohmann::json parameters = nlohmann::json::object(), BorrowedFd descriptor = {}) const;
    // One of several, for those who want more.
    void reply_more(nlohmann::json parameters) const;
    void fail(const std::string& error, nlohmann::json parameters = nlohmann::json::object()) const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

// A parameter that is not what the interface says.
class InvalidParameter : public std::exception {
public:
    explicit InvalidParameter(std::string name) : name_(std::move(name)) {}
    [[nodiscard]] const std::string& name() const {
        return name_;
    }
    [[nodiscard]] const char* what() const noexcept override {
        return name_.c_str();
    }

private:
    std::string name_;
};

} // namespace machinist::varlink
