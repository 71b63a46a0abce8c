// SPDX-License-Identifier: LGPL-2.1-or-later
// The methods that are served over Varlink: the same use cases as on the bus, for callers that have none.
#pragma once

#include "daemon/service.hpp"
#include "varlink/parameters.hpp"
#include "varlink/varlink_server.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace machinist {

class Sessions;

class VarlinkService {
public:
    // Reads all parameters, calls end() on them, and answers the call, now or later. What it throws is the answer.
    using Method = std::function<void(const varlink::Call&, varlink::Parameters&)>;

    explicit VarlinkService(Service& service);
    VarlinkService(const VarlinkService&) = delete;
    VarlinkService& operator=(const VarlinkService&) = delete;

    void method(std::string name, Method method) {
        methods_.insert_or_assign(std::move(name), std::move(method));
    }
    [[nodiscard]] varlink::Server& server() {
        return server_;
    }
    // Calls since the start.
    [[nodiscard]] std::uint64_t served() const {
        return served_;
    }

private:
    void handle(const varlink::Call& call);

    std::map<std::string, Method, std::less<>> methods_;
    std::uint64_t served_ = 0;
    varlink::Server server_;
};

// Every handler, and every continuation of one, runs in this: what it throws becomes the answer.
void answer(const varlink::Call& call, const std::function<void()>& body) noexcept;
void fail(const varlink::Call& call, const Failure& failure);

// As for calls over the bus. interactive: whether the person behind the caller may be asked for a password.
void when_allowed(Service& service, const varlink::Call& call, Permission permission, std::optional<bool> interactive,
                  std::function<void()> then);

// Reads "name" and "pid" and finds the name: that of the caller's own machine if neither says one. A name is not looked
// up. Throws Failure(no_machine).
std::string selected_machine(const Service& service, const varlink::Call& call, varlink::Parameters& parameters);
// nullptr: it worked.
std::function<void(const Failure*)> replying(const varlink::Call& call);
// Ends work of an errand with the caller.
Errands::OnDone replying_when_done(const varlink::Call& call);

void attach_varlink_basics(VarlinkService& varlink, Service& service);
void attach_varlink_machines(VarlinkService& varlink, Service& service, Sessions& sessions);
void attach_varlink_machine_list(VarlinkService& varlink, Service& service);
void attach_varlink_images(VarlinkService& varlink, Service& service);
// Users and groups of machines, as nss-systemd asks for them.
void attach_varlink_users(VarlinkService& varlink, Service& service);

} // namespace machinist
