// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/sessions.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/pty.hpp"

#include <fcntl.h>

namespace machinist {

namespace {

constexpr std::chrono::seconds patience{25};

// What these mean is that the machine has no bus or no systemd, not that something went wrong with it.
bool is_absence(const Failure& failure) {
    return failure.kind() == FailureKind::not_found || failure.kind() == FailureKind::not_supported ||
           failure.error_number() == ECONNREFUSED;
}

Entry entry_of(Sessions::Kind kind, const ShellUnit& shell) {
    Entry entry{.environment = shell.environment, .pty = true};
    if (kind == Sessions::Kind::login) {
        entry.command = {
            "/bin/sh", "-c",
            "if test -x /sbin/agetty; then exec /sbin/agetty --noreset --noclear - \"${TERM:-vt220}\"; fi; "
            "exec /bin/login"};
        return entry;
    }
    if (!shell.user.empty())
        entry.user = shell.user;
    entry.login_shell = shell.program.empty();
    if (!entry.login_shell) {
        entry.command = {shell.program};
        if (!shell.arguments.empty())
            entry.command.insert(entry.command.end(), shell.arguments.begin() + 1, shell.arguments.end());
    }
    return entry;
}

} // namespace

void Sessions::open(const RegisteredMachine& machine, Kind kind, ShellUnit shell, OnOpened done) {
    if (kind == Kind::shell)
        check_shell_unit(shell);
    auto opening = std::make_shared<Opening>();
    opening->machine = machine.name();
    opening->kind = kind;
    opening->shell = std::move(shell);
    opening->done = std::move(done);
    if (machine.is_host) {
        open_on_host(opening);
        return;
    }
    service_.errands.run(machine, {.kind = ErrandKind::pty}, {.patience = patience},
                         [this, opening](ErrandAnswer* answer, const Failure* failure) {
                             if (failure != nullptr)
                                 return opening->done(nullptr, failure);
                             opening->master = std::move(answer->descriptors.at(0));
                             opening->slave = answer->text;
                             if (opening->kind == Kind::terminal)
                                 return started(opening, nullptr);
                             connect(opening);
                         });
}

void Sessions::open_on_host(const Shared& opening) {
    opening->master = open_pty_master(open_path("/dev/pts", O_RDONLY | O_DIRECTORY));
    opening->slave = "/dev/pts/" + std::to_string(pty_number(opening->master));
    if (opening->kind == Kind::terminal)
        return started(opening, nullptr);
    start_over(service_.bus, opening);
}

void Sessions::connect(const Shared& opening) {
    const auto connected = [this, opening](ErrandAnswer* answer, const Failure* failure) {
        try {
            if (failure != nullptr)
                throw Failure{*failure};
            opening->inside = std::make_unique<Connection>(service_.loop, std::move(answer->descriptors.at(0)));
            start_over(*opening->inside, opening);
        } catch (const Failure& caught) {
            started(opening, &caught);
        }
    };
    try {
        service_.errands.run(service_.registry.get(opening->machine), {.kind = ErrandKind::bus}, {.patience = patience},
                             connected);
    } catch (const Failure& failure) {
        opening->done(nullptr, &failure);
    }
}

void Sessions::start_over(Connection& bus, const Shared& opening) {
    const int number = pty_number(opening->master);
    const auto done = [this, opening](const Failure* failure) { started(opening, failure); };
    if (opening->kind == Kind::login)
        start_login_prompt(bus, number, done);
    else
        start_shell_unit(bus, opening->shell, open_pty_slave(opening->master), number, false, done);
}

void Sessions::started(const Shared& opening, const Failure* failure) {
    const bool inside = opening->machine != ".host";
    retire(std::move(opening->inside));
    if (failure != nullptr && inside && is_absence(*failure))
        return start_without_bus(opening);
    if (failure != nullptr)
        return opening->done(nullptr, failure);
    const Opened opened{.master = opening->master, .slave = opening->slave};
    opening->done(&opened, nullptr);
}

void Sessions::start_without_bus(const Shared& opening) {
    try {
        service_.errands.run(
            service_.registry.get(opening->machine), {.kind = ErrandKind::shell}, {.patience = patience},
            [opening](ErrandAnswer* answer, const Failure* failure) {
                if (failure != nullptr)
                    return opening->done(nullptr, failure);
                const Opened opened{.master = answer->descriptors.at(0), .slave = answer->text};
                opening->done(&opened, nullptr);
            },
            entry_of(opening->kind, opening->shell));
    } catch (const Failure& failure) {
        opening->done(nullptr, &failure);
    }
}

void Sessions::retire(std::unique_ptr<Connection> connection) {
    if (!connection)
        return;
    retired_.push_back(std::move(connection));
    sweep_ = service_.loop.soon([this] { retired_.clear(); });
}

} // namespace machinist
