// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kept_machine.hpp"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace machinist {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

void write_text(int number, std::string_view text) {
    (void)!::write(number, text.data(), text.size());
}

// The terminal of whoever called: the test sees it from its master's side.
class AnInteractiveMachine : public AKeptMachine {
protected:
    AnInteractiveMachine() : terminal_(make_pty()) {
        use_pty(KEEPER_CONSOLE_INTERACTIVE);
        const winsize size{.ws_row = 33, .ws_col = 77, .ws_xpixel = 0, .ws_ypixel = 0};
        ::ioctl(terminal_.master.get(), TIOCSWINSZ, &size);
        slave_ = UniqueFd{::open(terminal_.slave_path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
        ::tcgetattr(slave_.get(), &found_);
        input = UniqueFd{::fcntl(slave_.get(), F_DUPFD_CLOEXEC, 3)};
        output = UniqueFd{::fcntl(slave_.get(), F_DUPFD_CLOEXEC, 3)};
        on_terminal = true;
    }

    void type(std::string_view keys) const {
        write_text(terminal_.master.get(), keys);
    }
    std::string screen_until(std::string_view text) {
        return read_until(terminal_.master, text);
    }
    // What is on the screen once the supervisor has gone.
    std::string rest_of_screen() {
        slave_.reset();
        return read_until(terminal_.master);
    }
    [[nodiscard]] bool is_raw() const {
        termios now{};
        ::tcgetattr(slave_.get(), &now);
        return (now.c_lflag & (ICANON | ECHO | ISIG)) == 0 && (now.c_oflag & OPOST) == 0;
    }
    [[nodiscard]] bool is_as_found() const {
        termios now{};
        ::tcgetattr(slave_.get(), &now);
        return now.c_lflag == found_.c_lflag && now.c_oflag == found_.c_oflag && now.c_iflag == found_.c_iflag;
    }

    Pty terminal_;
    UniqueFd slave_;
    termios found_{};
};

// In process 1: its terminal as a program sets it that wants each key.
void take_keys() {
    termios mode{};
    ::tcgetattr(0, &mode);
    ::cfmakeraw(&mode);
    ::tcsetattr(0, TCSANOW, &mode);
    write_text(1, "ready");
}

TEST_F(AnInteractiveMachine, GetsWhatIsTypedAndShowsWhatItWrites) {
    launch([] {
        take_keys();
        char keys[3];
        for (char& key : keys)
            (void)!::read(0, &key, 1);
        write_text(1, std::string{"got "} + std::string{keys, 3} + "\r\n");
        ::_exit(0);
    });
    screen_until("ready");
    type("a\003b");

    // ^C went through: the terminal was raw.
    EXPECT_THAT(screen_until("\n"), HasSubstr("got a\003b\r\n"));
    EXPECT_EQ(wait_for_end(), (Ended{true, 0}));
}

TEST_F(AnInteractiveMachine, MakesTheTerminalRawAndRestoresIt) {
    launch([] {
        take_keys();
        ::pause();
    });
    screen_until("ready");

    EXPECT_TRUE(is_raw());
    signal_supervisor(SIGTERM);
    wait_for_end();
    EXPECT_TRUE(is_as_found());
}

TEST_F(AnInteractiveMachine, LeavesTheTerminalAsItWasWhenTheSupervisorCrashes) {
    launch([] {
        take_keys();
        ::pause();
    });
    screen_until("ready");
    signal_supervisor(SIGSEGV);

    EXPECT_EQ(wait_for_end(), (Ended{false, SIGSEGV}));
    EXPECT_TRUE(is_as_found());
}

TEST_F(AnInteractiveMachine, HasTheSizeOfTheTerminal) {
    launch([] {
        sigset_t changed;
        ::sigemptyset(&changed);
        ::sigaddset(&changed, SIGWINCH);
        ::sigprocmask(SIG_BLOCK, &changed, nullptr);
        ::ioctl(0, TIOCSCTTY, 0);
        for (winsize size{};;) {
            ::ioctl(0, TIOCGWINSZ, &size);
            write_text(1, std::to_string(size.ws_row) + "x" + std::to_string(size.ws_col) + ".");
            int got = 0;
            ::sigwait(&changed, &got);
        }
    });
    screen_until("33x77.");
    const winsize larger{.ws_row = 50, .ws_col = 132, .ws_xpixel = 0, .ws_ypixel = 0};
    ::ioctl(terminal_.master.get(), TIOCSWINSZ, &larger);

    EXPECT_THAT(screen_until("50x132."), EndsWith("50x132."));
    signal_supervisor(SIGTERM);
    wait_for_end();
}

TEST_F(AnInteractiveMachine, IsKilledByTheThirdEscapeKey) {
    orders.kill_signal = SIGUSR1;
    launch([] {
        ::signal(SIGUSR1, SIG_IGN);
        take_keys();
        ::pause();
    });
    screen_until("ready");
    type("\035\035\035");

    EXPECT_EQ(wait_for_end(), (Ended{true, 1}));
}

TEST_F(AnInteractiveMachine, IsPoweredOffAndRebootedByHotkeys) {
    launch([] {
        sigset_t wanted;
        ::sigemptyset(&wanted);
        ::sigaddset(&wanted, SIGRTMIN + 4);
        ::sigaddset(&wanted, SIGRTMIN + 5);
        ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
        take_keys();
        for (;;) {
            int got = 0;
            ::sigwait(&wanted, &got);
            write_text(1, "RTMIN+" + std::to_string(got - SIGRTMIN) + ".");
        }
    });
    screen_until("ready");

    type("\035\035p");
    EXPECT_THAT(screen_until("+4."), HasSubstr("RTMIN+4."));
    type("\035\035r");
    EXPECT_THAT(screen_until("+5."), HasSubstr("RTMIN+5."));
    signal_supervisor(SIGTERM);
    wait_for_end();
}

TEST_F(AnInteractiveMachine, EndsOnALineOfItsOwn) {
    run([] {
        write_text(1, "no line feed");
        ::_exit(0);
    });

    EXPECT_THAT(rest_of_screen(), EndsWith("no line feed\r\n"));
}

TEST_F(AnInteractiveMachine, AddsNoEmptyLine) {
    run([] {
        write_text(1, "a line\n");
        ::_exit(0);
    });

    EXPECT_THAT(rest_of_screen(), EndsWith("a line\r\n"));
    EXPECT_THAT(rest_of_screen(), Not(HasSubstr("\r\n\r\n")));
}

TEST_F(AnInteractiveMachine, GivesTheTerminalColourAndTitleAndTakesThemBack) {
    orders.flags = KEEPER_TITLE;
    std::strcpy(orders.background, "48;2;0;0;40");
    run([] {
        write_text(1, "one\033[0mtwo\n");
        ::_exit(0);
    });
    const std::string screen = rest_of_screen();

    EXPECT_THAT(screen, HasSubstr("\033]0;\U0001F535 Container web\a"));
    EXPECT_THAT(screen, HasSubstr("\033[48;2;0;0;40m\033[Jone\033[0m\033[48;2;0;0;40mtwo"));
    EXPECT_THAT(screen, HasSubstr("\033[0m\033[J"));
    EXPECT_THAT(screen, EndsWith("\033[23;2t"));
}

TEST_F(AnInteractiveMachine, DoesNotStopOrTouchTheTerminalFromTheBackground) {
    // A shell whose job we are: it is the session's leader and stays in the foreground.
    on_terminal = false;
    in_background = true;
    const pid_t shell = ::fork();
    ASSERT_GE(shell, 0);
    if (shell == 0) {
        ::setsid();
        ::ioctl(slave_.get(), TIOCSCTTY, 0);
        launch([] {
            write_text(1, "from behind");
            ::pause();
        });
        ::pause();
        ::_exit(0);
    }
    EXPECT_THAT(screen_until("behind"), HasSubstr("from behind"));
    EXPECT_TRUE(is_as_found());
    ::kill(shell, SIGKILL);
    ::waitpid(shell, nullptr, 0);
}

class AConsoleThatIsOnlyRead : public AKeptMachine {
protected:
    AConsoleThatIsOnlyRead() {
        use_pty(KEEPER_CONSOLE_READ_ONLY);
    }
};

TEST_F(AConsoleThatIsOnlyRead, IsShownToItsEnd) {
    run([] {
        for (int line = 0; line < 500; ++line)
            write_text(1, "line " + std::to_string(line) + "\n");
        ::_exit(0);
    });

    const std::string shown = all_output();
    EXPECT_THAT(shown, HasSubstr("line 0\r\n"));
    EXPECT_THAT(shown, EndsWith("line 499\r\n"));
}

TEST_F(AConsoleThatIsOnlyRead, SurvivesBeingHungUpAndClosed) {
    launch([this] {
        // As agetty and systemd do with the console; afterwards nobody has it open for a while.
        write_text(1, "before ");
        for (int number = 0; number < 3; ++number)
            ::close(number);
        machine_says_go();
        const int again = ::open(pty_path.c_str(), O_RDWR | O_NOCTTY);
        write_text(again, "after ");
        ::close(again);
        const int third = ::open(pty_path.c_str(), O_RDWR | O_NOCTTY);
        write_text(third, "third");
        ::pause();
    });

    EXPECT_THAT(output_until("third"), HasSubstr("before after third"));
    signal_supervisor(SIGTERM);
    EXPECT_EQ(wait_for_end(), (Ended{true, 1}));
}

TEST_F(AConsoleThatIsOnlyRead, DoesNotBlockTheMachineWhenNobodyLooks) {
    Pipe out = make_pipe();
    output = std::move(out.writes);
    out.reads.reset();

    EXPECT_EQ(run([] {
                  const std::string line(1000, 'x');
                  for (int count = 0; count < 300; ++count)
                      write_text(1, line);
                  ::_exit(9);
              }),
              (Ended{true, 9}));
}

TEST_F(AConsoleThatIsOnlyRead, CostsNothingWhileNobodyHasItOpen) {
    launch([this] {
        for (int number = 0; number < 3; ++number)
            ::close(number);
        machine_says_go();
        ::pause();
    });
    wait_for_go();
    const long before = processor_ticks();
    ::usleep(50'000);

    EXPECT_LE(processor_ticks() - before, 1);
    signal_supervisor(SIGTERM);
    wait_for_end();
}

TEST_F(AConsoleThatIsOnlyRead, SurvivesAHangUpOfItsTerminal) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    launch([this] {
        ::signal(SIGHUP, SIG_IGN);
        ::ioctl(0, TIOCSCTTY, 0);
        write_text(1, "before ");
        // TTYVHangup= of console-getty.service.
        if (::vhangup() < 0)
            ::_exit(97);
        const int again = ::open(pty_path.c_str(), O_RDWR | O_NOCTTY);
        write_text(again, "after");
        ::pause();
    });

    EXPECT_THAT(output_until("after"), EndsWith("after"));
    signal_supervisor(SIGTERM);
    EXPECT_EQ(wait_for_end(), (Ended{true, 1}));
}

class APassiveConsole : public AKeptMachine {
protected:
    APassiveConsole() {
        use_pty(KEEPER_CONSOLE_PASSIVE);
    }
};

TEST_F(APassiveConsole, IsShownAtTheEnd) {
    run([] {
        write_text(1, "last words\n");
        ::_exit(0);
    });

    EXPECT_EQ(all_output(), "last words\r\n");
}

} // namespace
} // namespace machinist
