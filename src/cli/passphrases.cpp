// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/passphrases.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"

#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include <vector>

namespace machinist {

namespace {

constexpr unsigned most_questions = 3;
constexpr std::size_t longest_passphrase = std::size_t{1} << 20;

// Files that were written with an editor end in a line's end that is none of the passphrase.
void add(std::vector<std::string>& passphrases, const std::string& text) {
    passphrases.push_back(text);
    if (text.ends_with('\n'))
        passphrases.push_back(text.substr(0, text.size() - 1));
}

std::vector<std::string> given(const Settings& settings, const LoadedCredentials& loaded, const HostFacts& host) {
    std::vector<std::string> passphrases;
    const std::string name{disk_passphrase_credential};
    if (settings.credentials)
        for (const CredentialSetting& setting : *settings.credentials)
            if (setting.name == name && setting.value)
                add(passphrases, *setting.value);
    if (const auto found = loaded.find(name); found != loaded.end())
        add(passphrases, found->second);
    const auto directory = host.environment.find("CREDENTIALS_DIRECTORY");
    if (directory == host.environment.end())
        return passphrases;
    if (const auto file = open_path_if_exists(Path{directory->second} / name, O_RDONLY | O_NONBLOCK | O_NOCTTY))
        add(passphrases, read_all(*file, longest_passphrase));
    return passphrases;
}

std::string read_line(BorrowedFd terminal) {
    std::string line;
    for (char character = 0; line.size() < longest_passphrase;) {
        const ssize_t count = ::read(terminal.get(), &character, 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0 || character == '\n')
            break;
        line += character;
    }
    return line;
}

// Nothing: an empty line, which is how one gives up.
std::optional<std::string> ask_on(BorrowedFd terminal, const std::string& question) {
    termios before{};
    if (::tcgetattr(terminal.get(), &before) < 0)
        return std::nullopt;
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ECHONL | ICANON | ISIG;
    ::tcsetattr(terminal.get(), TCSAFLUSH, &silent);
    const ScopeExit restore{[&] { ::tcsetattr(terminal.get(), TCSAFLUSH, &before); }};
    write_all(terminal, question + ": ");
    std::string line = read_line(terminal);
    return line.empty() ? std::nullopt : std::optional{std::move(line)};
}

// Waits until an agent answers, as systemd-nspawn does when a unit starts it.
std::optional<std::string> ask_of_systemd(const std::string& question) {
    constexpr const char* program = "/usr/bin/systemd-ask-password";
    if (::access("/run/systemd/ask-password", F_OK) < 0 || ::access(program, X_OK) < 0)
        return std::nullopt;
    ProgramResult result = run_program({program, "--no-tty", "--id=machinist:disk", "--", question});
    if (result.status != 0)
        return std::nullopt;
    if (result.output.ends_with('\n'))
        result.output.pop_back();
    return std::move(result.output);
}

std::optional<std::string> ask(const std::string& question) {
    const UniqueFd terminal{::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)};
    return terminal ? ask_on(terminal, question) : ask_of_systemd(question);
}

} // namespace

DiskKeys::Ask passphrases(const Settings& settings, const LoadedCredentials& loaded, const HostFacts& host,
                          bool may_ask) {
    struct State {
        std::vector<std::string> given;
        std::string what; // the last that was asked for
        std::size_t tried = 0;
        unsigned asked = 0;
    };
    auto state = std::make_shared<State>();
    state->given = given(settings, loaded, host);
    return [state, may_ask](const std::string& what) -> std::optional<std::string> {
        if (state->what != what)
            *state = {.given = state->given, .what = what};
        if (state->tried < state->given.size())
            return state->given[state->tried++];
        if (!may_ask || state->asked == most_questions)
            return std::nullopt;
        return ask((state->asked++ == 0 ? "Passphrase of " : "Not this one. Passphrase of ") + what);
    };
}

} // namespace machinist
