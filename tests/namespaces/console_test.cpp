// SPDX-License-Identifier: LGPL-2.1-or-later
// The console modes, from the caller's end.
#include "namespaces/container_interface.hpp"

#include <csignal>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace machinist::test {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace {

class TheConsole : public TheContainerInterface {
protected:
    Start on_terminal(std::vector<std::string> options = {}, std::vector<std::string> command = {"/probe"}) {
        options.emplace_back("--console=interactive");
        Start start = as_this_way(std::move(options), std::move(command));
        start.pipe = false;
        start.on_terminal = true;
        return start;
    }
    Start without_pipe(std::vector<std::string> options, std::vector<std::string> command) {
        Start start = as_this_way(std::move(options), std::move(command));
        start.pipe = false;
        return start;
    }
    // Types a question and gives what comes, its echo and all.
    std::string dialogue(const std::string& question, const std::string& awaited) {
        machine().program().say(question + "\r");
        return machine().program().output_until(awaited, 10s);
    }
};

termios settings_of(BorrowedFd terminal) {
    termios settings{};
    ::tcgetattr(terminal.get(), &settings);
    return settings;
}

} // namespace

EVERY_WAY(TheConsole);

TEST_P(TheConsole, InteractiveIsRelayedBothWays) {
    start(on_terminal());

    EXPECT_THAT(dialogue("hostname", "\n" + machine().name()), HasSubstr(machine().name()));
    EXPECT_THAT(dialogue("terminal", "columns=99"), HasSubstr("isatty=111"));
    machine().tell("exit 5\r");
    EXPECT_EQ(machine().status_at_end(), 5);
}

TEST_P(TheConsole, InteractiveHasTheSizeOfTheTerminalAndFollowsIt) {
    start(on_terminal());
    EXPECT_THAT(dialogue("terminal", "columns="), HasSubstr("rows=33 columns=99"));

    const winsize size{.ws_row = 44, .ws_col = 111, .ws_xpixel = 0, .ws_ypixel = 0};
    ASSERT_EQ(::ioctl(machine().program().terminal().get(), TIOCSWINSZ, &size), 0);

    EXPECT_TRUE(eventually([&] {
        return dialogue("terminal", "session=1").find("rows=44 columns=111") != std::string::npos ||
               machine().program().output_until("columns=111", 200ms).find("rows=44") != std::string::npos;
    }));
}

TEST_P(TheConsole, InteractivePutsTheTerminalBack) {
    // The settings are those of the terminal, whichever end asks.
    Start start = on_terminal();
    this->start(start);
    const termios before = [&] {
        termios settings{};
        settings.c_lflag = ICANON | ECHO;
        return settings;
    }();
    dialogue("hostname", machine().name() + "\r");
    EXPECT_EQ(settings_of(machine().program().terminal()).c_lflag & (ICANON | ECHO), 0U) << "raw while it runs";

    machine().tell("exit 0\r");
    machine().status_at_end();

    EXPECT_EQ(settings_of(machine().program().terminal()).c_lflag & (ICANON | ECHO), before.c_lflag);
}

TEST_P(TheConsole, InteractivePutsTheTerminalBackAfterAKill) {
    start(on_terminal());
    dialogue("hostname", machine().name() + "\r");
    ASSERT_GT(machine().leader(), 1);

    ::kill(machine().leader(), SIGKILL);
    machine().status_at_end();

    EXPECT_NE(settings_of(machine().program().terminal()).c_lflag & (ICANON | ECHO), 0U);
}

TEST_P(TheConsole, ThreeEscapesEndTheMachine) {
    start(on_terminal());
    dialogue("hostname", machine().name() + "\r");

    machine().program().say("\x1d\x1d\x1d");

    EXPECT_TRUE(machine().program().end_within(5s));
}

TEST_P(TheConsole, TwoEscapesAndALetterPowerOffOrReboot) {
    start(on_terminal());
    dialogue("catch RTMIN+4 RTMIN+5", "ok\r");

    machine().program().say("\x1d\x1dp");
    // Whether the two keys before the letter are seen inside is left open.
    dialogue("", "\n");
    EXPECT_THAT(dialogue("came RTMIN+4 2000", "1\r\n"), HasSubstr("\n1\r"));
    machine().program().say("\x1d\x1dr");
    dialogue("", "\n");
    EXPECT_THAT(dialogue("came RTMIN+5 2000", "1\r\n"), HasSubstr("\n1\r"));
    EXPECT_TRUE(machine().program().runs());
}

TEST_P(TheConsole, LoneEscapeIsForTheMachine) {
    start(on_terminal());
    dialogue("hostname", machine().name() + "\r");

    machine().program().say("\x1d");
    pause_for(1200ms);

    EXPECT_THAT(dialogue("", "]"), HasSubstr("^]")) << "echoed by the machine's terminal";
}

TEST_P(TheConsole, ReadOnlyShowsOutputAndTakesNoInput) {
    Start start = without_pipe({"--console=read-only"}, {"/probe", "--ask", "hostname"});

    const Outcome outcome = outcome_of(start);

    EXPECT_THAT(outcome.output, HasSubstr(machine().name()));
    EXPECT_EQ(outcome.status, 0);
}

TEST_P(TheConsole, ReadOnlyIsTheDefaultWithoutATerminal) {
    EXPECT_THAT(outcome_of(without_pipe({}, {"/probe", "--ask", "terminal"})).output, HasSubstr("isatty=111"));
}

TEST_P(TheConsole, PassiveCopiesWhatIsLeftAtTheEnd) {
    EXPECT_THAT(outcome_of(without_pipe({"--console=passive"}, {"/probe", "--ask", "hostname"})).output,
                HasSubstr("test-"));
}

// However late the supervisor looks: all of the machine is over when it goes on.
TEST_P(TheConsole, GivesWhatWasSaidWhileTheSupervisorStoodStill) {
    for (const std::string mode : {"pipe", "read-only", "passive"}) {
        start(without_pipe({"--console=" + mode}, {"/probe", "--ask", "sleep", "300"}));
        Program& program = machine().program();
        const auto is_over = [](pid_t process) {
            const std::string stat = text_of("/proc/" + std::to_string(process) + "/stat");
            return stat.empty() || stat.find(") Z ") != std::string::npos;
        };
        ASSERT_TRUE(eventually(
            [&] {
                return text_of("/proc/" + std::to_string(program.pid()) + "/comm") == "machinist-super\n" ||
                       is_over(program.pid());
            },
            20s));
        const pid_t leader = machine().leader();

        program.signal(SIGSTOP);
        EXPECT_TRUE(eventually([&] { return leader < 0 || is_over(leader); }, 20s)) << mode;
        program.signal(SIGCONT);

        EXPECT_EQ(machine().status_at_end(), 0) << mode;
        EXPECT_THAT(program.output(), HasSubstr("ok")) << mode;
    }
}

TEST(AProgramOfATest, IsReadToItsEndHoweverLateSomebodyLooks) {
    Program program{"/bin/echo", {"all of it"}, {.dialogue = true}};
    siginfo_t end{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(program.pid()), &end, WEXITED | WNOWAIT), 0);

    EXPECT_EQ(program.end_within(20s), 0);

    EXPECT_EQ(program.line(0ms), "all of it");
    EXPECT_EQ(program.line(0ms), std::nullopt);
}

TEST_P(TheConsole, PipeKeepsStreamsApartAndUnchanged) {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte)
        bytes += static_cast<char>(byte);
    bytes += std::string(200'000, '\n');
    tree.file("bytes", bytes);
    Start start = as_this_way({}, {"/probe", "--ask", "cat", "/bytes"});
    std::vector<std::string> arguments;
    if (start.called_as == CalledAs::machinist)
        arguments.emplace_back("run");
    arguments.insert(arguments.end(), {"--pipe", "-D", tree.path().string(), "--machine=" + unused_name()});
    arguments.insert(arguments.end(), start.options.begin(), start.options.end());
    arguments.insert(arguments.end(), start.command.begin(), start.command.end());
    ProgramOptions options;
    options.called_as = start.called_as == CalledAs::nspawn ? "systemd-nspawn" : "";

    const Outcome outcome = run(MACHINIST_PROGRAM, arguments, options);

    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.errors, "");
    EXPECT_EQ(outcome.output.size(), bytes.size() + 1);
    EXPECT_TRUE(outcome.output == bytes + "\n");
}

TEST_P(TheConsole, PipeHasNoConsole) {
    boot();

    EXPECT_EQ(ask("stat /dev/console"), "!ENOENT");
    EXPECT_THAT(ask("terminal"), HasSubstr("isatty=000"));
}

TEST_P(TheConsole, AutopipeIsAPipeWithoutATerminal) {
    Start start = without_pipe({"--console=autopipe"}, {"/probe", "--ask", "terminal"});

    EXPECT_THAT(outcome_of(start).output, HasSubstr("isatty=000"));
}

TEST_P(TheConsole, EndOfInputReachesThePayload) {
    boot();

    EXPECT_EQ(machine().end(), 0);
}

TEST_P(TheConsole, HelpListsTheModes) {
    Start start = without_pipe({"--console=help"}, {});

    const Outcome outcome = outcome_of(start);

    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.output, AllOf(HasSubstr("interactive"), HasSubstr("read-only"), HasSubstr("pipe")));
}

TEST_P(TheConsole, OutputOfAFloodArrivesWhole) {
    tree.file("flood", std::string(1'000'000, 'x'));
    Start start = without_pipe({"--console=read-only"}, {"/probe", "--ask", "cat", "/flood"});

    const Outcome outcome = outcome_of(start);

    EXPECT_EQ(std::count(outcome.output.begin(), outcome.output.end(), 'x'), 1'000'000);
}

} // namespace machinist::test
