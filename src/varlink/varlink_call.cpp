// SPDX-License-Identifier: LGPL-2.1-or-later
#include "varlink/varlink_call.hpp"

#include "varlink/answers.hpp"

namespace machinist::varlink {

struct Call::State {
    std::weak_ptr<Answers> answers;
    nlohmann::json parameters;
    std::string method;
    Peer peer;
    bool more = false;
    bool oneway = false;
    bool answered = false;

    void send(nlohmann::json message, bool last, BorrowedFd descriptor = {}) {
        if (answered)
            return;
        answered = last;
        if (const auto to = answers.lock()) {
            if (!oneway)
                to->send(message, descriptor);
            if (last)
                to->call_done();
        }
    }
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        // Nobody waits for ever because of a bug of ours.
        try {
            send({{"error", "io.systemd.System"}, {"parameters", {{"errno", EIO}, {"errnoName", "EIO"}}}}, true);
        } catch (const std::exception&) {
            // The peer sees the end of the connection then.
        }
    }
};

Call::Call(std::weak_ptr<Answers> answers, nlohmann::json message, const Peer& peer)
    : state_(std::make_shared<State>()) {
    state_->answers = std::move(answers);
    state_->method = message.at("method").get<std::string>();
    if (const auto given = message.find("parameters"); given != message.end() && given->is_object())
        state_->parameters = std::move(*given);
    else
        state_->parameters = nlohmann::json::object();
    state_->more = message.value("more", false);
    state_->oneway = message.value("oneway", false);
    state_->peer = peer;
}

const std::string& Call::method() const {
    return state_->method;
}

const nlohmann::json& Call::parameters() const {
    return state_->parameters;
}

bool Call::wants_more() const {
    return state_->more;
}

const Peer& Call::peer() const {
    return state_->peer;
}

void Call::when_gone(std::function<void()> handler) const {
    if (const auto to = state_->answers.lock())
        to->when_gone(std::move(handler));
}

void Call::reply(nlohmann::json parameters, BorrowedFd descriptor) const {
    state_->send({{"parameters", std::move(parameters)}}, true, descriptor);
}

void Call::reply_more(nlohmann::json parameters) const {
    state_->send({{"parameters", std::move(parameters)}, {"continues", true}}, false);
}

void Call::fail(const std::string& error, nlohmann::json parameters) const {
    state_->send({{"error", error}, {"parameters", std::move(parameters)}}, true);
}

} // namespace machinist::varlink
