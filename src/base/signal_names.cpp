// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/signal_names.hpp"

#include "base/text.hpp"

#include <csignal>
#include <utility>

namespace machinist {

namespace {

constexpr std::pair<int, std::string_view> names[] = {
    {SIGHUP, "HUP"},       {SIGINT, "INT"},   {SIGQUIT, "QUIT"},   {SIGILL, "ILL"},   {SIGTRAP, "TRAP"},
    {SIGABRT, "ABRT"},     {SIGBUS, "BUS"},   {SIGFPE, "FPE"},     {SIGKILL, "KILL"}, {SIGUSR1, "USR1"},
    {SIGSEGV, "SEGV"},     {SIGUSR2, "USR2"}, {SIGPIPE, "PIPE"},   {SIGALRM, "ALRM"}, {SIGTERM, "TERM"},
    {SIGSTKFLT, "STKFLT"}, {SIGCHLD, "CHLD"}, {SIGCONT, "CONT"},   {SIGSTOP, "STOP"}, {SIGTSTP, "TSTP"},
    {SIGTTIN, "TTIN"},     {SIGTTOU, "TTOU"}, {SIGURG, "URG"},     {SIGXCPU, "XCPU"}, {SIGXFSZ, "XFSZ"},
    {SIGVTALRM, "VTALRM"}, {SIGPROF, "PROF"}, {SIGWINCH, "WINCH"}, {SIGIO, "IO"},     {SIGPWR, "PWR"},
    {SIGSYS, "SYS"},
};

// "", "+3" or "-3" behind RTMIN or RTMAX.
std::optional<int> real_time_signal(int from, std::string_view offset) {
    int signal = from;
    if (!offset.empty()) {
        const auto distance = parse_integer<unsigned short>(offset.substr(1));
        if (!distance || (offset[0] != '+' && offset[0] != '-'))
            return std::nullopt;
        signal += offset[0] == '+' ? *distance : -int{*distance};
    }
    return signal >= SIGRTMIN && signal <= SIGRTMAX ? std::optional{signal} : std::nullopt;
}

} // namespace

std::optional<int> parse_signal(std::string_view text) {
    if (const auto number = parse_integer<int>(text))
        return *number > 0 && *number <= SIGRTMAX ? number : std::nullopt;
    if (text.starts_with("SIG"))
        text.remove_prefix(3);
    for (const auto& [signal, name] : names)
        if (name == text)
            return signal;
    if (text == "POLL")
        return SIGIO;
    if (text == "CLD")
        return SIGCHLD;
    if (text == "IOT")
        return SIGABRT;
    if (text.starts_with("RTMIN"))
        return real_time_signal(SIGRTMIN, text.substr(5));
    if (text.starts_with("RTMAX"))
        return real_time_signal(SIGRTMAX, text.substr(5));
    return std::nullopt;
}

std::string signal_name(int signal) {
    for (const auto& [candidate, name] : names)
        if (candidate == signal)
            return "SIG" + std::string{name};
    if (signal == SIGRTMIN)
        return "SIGRTMIN";
    if (signal > SIGRTMIN && signal <= SIGRTMAX)
        return "SIGRTMIN+" + std::to_string(signal - SIGRTMIN);
    return std::to_string(signal);
}

std::vector<std::string> all_signal_names() {
    std::vector<std::string> all;
    for (const auto& [signal, name] : names)
        all.push_back("SIG" + std::string{name});
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal)
        all.push_back(signal_name(signal));
    return all;
}

} // namespace machinist
