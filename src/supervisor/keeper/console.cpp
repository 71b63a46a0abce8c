// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/console.hpp"

#include "supervisor/keeper/random_name.hpp"
#include "supervisor/keeper/terminal.hpp"
#include "supervisor/keeper/text.hpp"

#include <cerrno>
#include <unistd.h>

namespace machinist::keeper {

namespace {

// Apart from the objects and in this order: what a mode does not use is never touched and takes no memory, and what
// every booting machine uses lies in one page. Pipes are spliced where they can be and need none of it.
struct Buffers {
    char output[2048];
    char unpainted[512];
    char typed[256];
    char input[1024];
    char errors[2048];
};
Buffers buffers;

constexpr BorrowedFd caller_input{STDIN_FILENO};
constexpr BorrowedFd caller_output{STDOUT_FILENO};
constexpr BorrowedFd caller_errors{STDERR_FILENO};

std::size_t forward_keys(void* hotkeys, std::span<const char>& in, std::span<char> room) {
    return static_cast<Hotkeys*>(hotkeys)->forward(in, room, now());
}

std::size_t paint_screen(void* screen, std::span<const char>& in, std::span<char> room) {
    return static_cast<Screen*>(screen)->paint(in, room);
}

} // namespace

Console::Console(const keeper_orders& orders)
    : orders_(orders), pty_(Endpoint::ours(UniqueFd{orders.console_fd})), screen_(orders.background) {}

void Console::start(BorrowedFd epoll, std::uint64_t tag) {
    terminal::adopt(caller_input, caller_output);
    if (orders_.console == KEEPER_CONSOLE_PIPE)
        start_pipes();
    else if (pty_.is_open() && orders_.console != KEEPER_CONSOLE_PASSIVE)
        start_terminal();
    for (const Relay* relay : {&input_, &output_, &errors_})
        relay->watch(epoll, tag);
}

void Console::start_pipes() {
    const Relay::Plan as_pipeline{.sink_gone = Relay::SinkGone::stop, .close_sink_at_end = true};
    // The caller's stdout stays open at the machine's end of file: it may start again and write once more.
    const Relay::Plan outwards{.sink_gone = Relay::SinkGone::stop, .close_sink_at_end = false};
    const auto ours = [](int number) { return Endpoint::ours(UniqueFd{number}); };
    if (orders_.pipe_fds[0] >= 0)
        input_.start(Endpoint::of_caller(caller_input, Endpoint::Direction::reads), ours(orders_.pipe_fds[0]),
                     as_pipeline, buffers.input);
    output_.start(ours(orders_.pipe_fds[1]), Endpoint::of_caller(caller_output, Endpoint::Direction::writes), outwards,
                  buffers.output);
    errors_.start(ours(orders_.pipe_fds[2]), Endpoint::of_caller(caller_errors, Endpoint::Direction::writes), outwards,
                  buffers.errors);
}

void Console::start_terminal() {
    Endpoint sink = Endpoint::of_caller(caller_output, Endpoint::Direction::writes);
    const bool to_terminal = ::isatty(STDOUT_FILENO) != 0;
    if (orders_.console == KEEPER_CONSOLE_INTERACTIVE) {
        terminal::restore_on_fatal_signals();
        terminal::make_raw();
        window_changed();
        input_.start(Endpoint::of_caller(caller_input, Endpoint::Direction::reads), Endpoint::shared_with(pty_), {},
                     buffers.input, buffers.typed, {forward_keys, &hotkeys_});
    }
    const Filter filter = to_terminal ? Filter{paint_screen, &screen_} : Filter{};
    output_.start(std::move(pty_), std::move(sink), {}, buffers.output, buffers.unpainted, filter);
    if (!to_terminal)
        return;
    Text<512> opening;
    if ((orders_.flags & KEEPER_TITLE) != 0) {
        // The title is pushed and popped, for terminals that keep a stack of them.
        opening << "\033[22;2t\033]0;\U0001F535 Container " << orders_.name << "\a";
        if (random_name(context_))
            opening << "\033]3008;start=" << context_ << ";type=container;container=" << orders_.name << "\033\\";
    }
    if (orders_.background[0] != '\0')
        opening << "\033[" << orders_.background << "m\033[J";
    decorated_ = !opening.empty();
    output_.put(opening.view());
}

bool Console::pump() {
    bool more = input_.pump();
    more = output_.pump() || more;
    more = errors_.pump() || more;
    end_dead_input();
    return more;
}

void Console::end_dead_input() {
    // In the background a terminal gives EIO as long as we ignore SIGTTIN; elsewhere EIO says that it is gone.
    if (input_.source_error() == EIO && !input_.source_ended() && !in_background())
        input_.close();
}

void Console::window_changed() {
    const Endpoint& pty = pty_.is_open() ? pty_ : output_.source();
    if (orders_.console == KEEPER_CONSOLE_INTERACTIVE && pty.is_open())
        copy_window_size(caller_output, pty.descriptor());
}

void Console::foreground_changed() {
    if (orders_.console == KEEPER_CONSOLE_INTERACTIVE)
        terminal::make_raw();
    window_changed();
}

bool Console::in_background() {
    return terminal::in_background();
}

void Console::machine_ended() {
    // Nobody reads it any more.
    input_.close();
    if (orders_.console == KEEPER_CONSOLE_PASSIVE && pty_.is_open())
        output_.start(std::move(pty_), Endpoint::of_caller(caller_output, Endpoint::Direction::writes), {},
                      buffers.output);
}

bool Console::drained() const {
    return output_.drained() && errors_.drained();
}

void Console::finish() {
    if (decorated_) {
        Text<256> closing;
        if (orders_.background[0] != '\0')
            closing << "\033[0m\033[J";
        if (context_[0] != '\0')
            closing << "\033]3008;end=" << context_ << "\033\\";
        if ((orders_.flags & KEEPER_TITLE) != 0)
            closing << "\033]0;\a\033[23;2t";
        output_.sink().write({closing.c_str(), closing.view().size()});
    }
    terminal::restore();
    if (screen_.inside_a_line())
        output_.sink().write(std::span{"\n", 1});
    output_.close();
    errors_.close();
}

} // namespace machinist::keeper
