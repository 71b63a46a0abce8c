// SPDX-License-Identifier: LGPL-2.1-or-later
// The command line's verbs by the bus: what they ask the real daemon for, what they print, how they end.
#include "inhabited_machine.hpp"
#include "service.hpp"

#include "kernel/files.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist::testing {

namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* debian = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n";

struct Ended {
    int status = -1;
    std::string output;
    std::string errors;
};

class TheCommandLine : public AService {
protected:
    using Words = std::vector<std::string>;

    // The fakes are in this process: the loop has to turn meanwhile.
    Ended say(const Words& words, uid_t user = 0) {
        const pid_t pid = begin(words, user);
        Ended ended;
        EXPECT_TRUE(until(
            [&] {
                int status = 0;
                if (::waitpid(pid, &status, WNOHANG) != pid)
                    return false;
                ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
                return true;
            },
            20'000))
            << words.at(0) << " does not end";
        ended.output = read_file(output_file("out"));
        ended.errors = read_file(output_file("err"));
        return ended;
    }
    pid_t begin(const Words& words, uid_t user = 0) {
        const pid_t pid = ::fork();
        if (pid != 0)
            return pid;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int nothing = ::open("/dev/null", O_RDONLY);
        (void)::dup2(nothing, STDIN_FILENO);
        for (const auto& [stream, name] : {std::pair{STDOUT_FILENO, "out"}, std::pair{STDERR_FILENO, "err"}})
            (void)::dup2(::open(output_file(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666), stream);
        if (user != 0 && (::setresgid(user, user, user) < 0 || ::setresuid(user, user, user) < 0))
            ::_exit(126);
        std::vector<std::string> all{"machinist"};
        all.insert(all.end(), words.begin(), words.end());
        std::vector<char*> arguments;
        for (std::string& word : all)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        ::execv(MACHINIST_CONTROL, arguments.data());
        ::_exit(127);
    }
    [[nodiscard]] std::filesystem::path output_file(const std::string& name) const {
        return bus.directory() / name;
    }
    [[nodiscard]] std::string output_so_far() const {
        return read_file_if_exists(output_file("out")).value_or("");
    }
};

} // namespace

TEST_F(TheCommandLine, ListsWithAllColumns) {
    const InhabitedMachine web{debian, "10.9.8.7"};
    (void)register_machine("web", web.number());

    EXPECT_EQ(say({"list", "--no-legend"}).output, "web container test debian 12 10.9.8.7\n");
    EXPECT_EQ(say({"list", "-o", "json"}).output,
              "[{\"machine\":\"web\",\"class\":\"container\",\"service\":\"test\",\"os\":\"debian\",\"version\":\"12\","
              "\"addresses\":\"10.9.8.7\"}]\n");
    EXPECT_EQ(say({"list", "--no-legend", "--max-addresses=0"}).output, "web container test debian 12\n");
    EXPECT_THAT(say({"list", "--all"}).output, HasSubstr("\n.host   host "));
}

TEST_F(TheCommandLine, ListsForSomebodyWithoutRights) {
    const InhabitedMachine web{debian, "10.9.8.7"};
    (void)register_machine("web", web.number());

    const Ended ended = say({"list", "--no-legend"}, somebody);

    EXPECT_EQ(ended.status, 0) << ended.errors;
    EXPECT_EQ(ended.output, "web container test - - 10.9.8.7\n");
    for (const auto& asked : polkit.asked)
        EXPECT_EQ(asked.flags, 0U) << "nobody is asked for a password for a list";
}

TEST_F(TheCommandLine, ShowsWhatTheServiceKnows) {
    const Leader leader;
    (void)register_machine("web", leader.number());

    const Ended ended = say({"show", "web"}, somebody);

    EXPECT_EQ(ended.status, 0) << ended.errors;
    EXPECT_THAT(ended.output,
                AllOf(StartsWith("Name=web\n"), HasSubstr("\nService=test\n"),
                      HasSubstr("\nLeader=" + std::to_string(leader.pid()) + "\n"), HasSubstr("\nClass=container\n"),
                      HasSubstr("\nState=running\n"), HasSubstr("\nUID=0\n"), Not(HasSubstr("Scope="))));
    EXPECT_EQ(say({"show", "--property=State", "--value", "web"}).output, "running\n");
    EXPECT_EQ(say({"show", "-P", "PoolPath"}).output, "/var/lib/machines\n");
}

TEST_F(TheCommandLine, SaysNothingOnItsOutputAboutAnUnknownMachine) {
    for (const char* verb : {"show", "status", "kill", "terminate", "poweroff"}) {
        const Ended ended = say({verb, "nosuch"}, somebody);

        EXPECT_EQ(ended.status, 1) << verb;
        EXPECT_EQ(ended.output, "") << verb;
        EXPECT_THAT(ended.errors, HasSubstr("No machine 'nosuch' known")) << verb;
    }
}

TEST_F(TheCommandLine, TellsTheStatusOfAMachine) {
    const InhabitedMachine web{debian, "10.9.8.7"};
    (void)register_machine("web", web.number());

    EXPECT_THAT(
        say({"status", "web", "--lines=0"}).output,
        AllOf(StartsWith("web\n"), HasSubstr("\n          Leader: " + std::to_string(web.number()) + " ("),
              HasSubstr("\n         Service: test; class container\n"), HasSubstr("\n         Address: 10.9.8.7\n"),
              HasSubstr("\n              OS: Debian GNU/Linux 12\n"), HasSubstr("\n           State: running\n")));
}

TEST_F(TheCommandLine, AsksForSignalsOfThoseWhoMayNotSendThem) {
    const Leader leader;
    (void)register_machine("web", leader.number());

    EXPECT_THAT(say({"kill", "--signal=SIGUSR1", "web"}, somebody).errors, HasSubstr("Permission denied"));
    polkit.allowed.insert("org.freedesktop.machine1.manage-machines");
    EXPECT_EQ(say({"kill", "--kill-whom=leader", "--signal=SIGKILL", "web"}, somebody).status, 0);

    EXPECT_TRUE(until([&] { return names().size() == 1; }));
}

TEST_F(TheCommandLine, WaitsForMachinesOfOthers) {
    auto leader = std::make_unique<Leader>();
    (void)register_machine("web", leader->number());

    EXPECT_EQ(say({"wait", "web", "--for=removed", "--timeout=0.2"}, somebody).status, 1);
    const pid_t waiting = begin({"wait", "web", "--for=removed"}, somebody);
    EXPECT_FALSE(until([&] { return ::waitpid(waiting, nullptr, WNOHANG) == waiting; }, 200));
    leader.reset();

    int status = -1;
    EXPECT_TRUE(until([&] { return ::waitpid(waiting, &status, WNOHANG) == waiting; }));
    EXPECT_EQ(status, 0);
    EXPECT_EQ(say({"wait", "web", "--for=removed"}, somebody).status, 0);
}

TEST_F(TheCommandLine, StartsUnitsAndWaitsForThem) {
    polkit.allowed.insert("io.machinist.start-machine");

    const Ended ended = say({"start", "web"}, somebody);

    EXPECT_EQ(ended.status, 1); // the fake starts no machine, but is asked
    EXPECT_THAT(ended.errors, HasSubstr("machine 'web'"));
}

TEST_F(TheCommandLine, MonitorsMachinesUntilItIsInterrupted) {
    const pid_t monitor = begin({"monitor"}, somebody);
    // It has begun once it tells of something.
    auto first = std::make_unique<Leader>();
    ASSERT_TRUE(until([&] {
        (void)register_machine("web", first->number());
        (void)manager("UnregisterMachine", std::string{"web"});
        return output_so_far().find("MachineNew") != std::string::npos;
    }));

    const Leader leader;
    (void)create_machine("db", leader.number());
    (void)manager("TerminateMachine", std::string{"db"});

    EXPECT_TRUE(until([&] { return output_so_far().find("\"changed\":{\"State\":\"closing\"}") != std::string::npos; }))
        << output_so_far();
    EXPECT_THAT(output_so_far(), ContainsRegex("\"event\":\"MachineNew\",\"machine\":\"db\""));
    ::kill(monitor, SIGINT);
    int status = -1;
    EXPECT_TRUE(until([&] { return ::waitpid(monitor, &status, WNOHANG) == monitor; }));
    EXPECT_EQ(status, 0);
}

TEST_F(TheCommandLine, GoesOnToMonitorWhenTheServiceIsStartedAnew) {
    const Leader leader;
    (void)register_machine("web", leader.number());
    const pid_t monitor = begin({"monitor", "--output=json"});
    ASSERT_TRUE(until([&] {
        auto passing = std::make_unique<Leader>();
        (void)register_machine("passing", passing->number());
        passing.reset();
        return output_so_far().find("passing") != std::string::npos;
    }));

    kill_daemon(SIGKILL);
    start_daemon();
    const Leader late;
    (void)register_machine("late", late.number());

    EXPECT_TRUE(until([&] { return output_so_far().find("\"machine\":\"late\"") != std::string::npos; }));
    EXPECT_THAT(output_so_far(), AllOf(HasSubstr("ServiceRemoved"), HasSubstr("ServiceNew"),
                                       Not(ContainsRegex("MachineRemoved[^\n]*web"))));
    ::kill(monitor, SIGTERM);
    int status = -1;
    EXPECT_TRUE(until([&] { return ::waitpid(monitor, &status, WNOHANG) == monitor; }));
    EXPECT_EQ(status, 0);
}

TEST_F(TheCommandLine, EndsAMonitorWhoseReaderHasGone) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t monitor = ::fork();
    if (monitor == 0) {
        (void)::dup2(ends[1], STDOUT_FILENO);
        ::execl(MACHINIST_CONTROL, "machinist", "monitor", nullptr);
        ::_exit(127);
    }
    ::close(ends[1]);
    EXPECT_FALSE(until([&] { return ::waitpid(monitor, nullptr, WNOHANG) == monitor; }, 300));
    ::close(ends[0]);

    int status = -1;
    EXPECT_TRUE(until([&] { return ::waitpid(monitor, &status, WNOHANG) == monitor; }));
    EXPECT_EQ(status, 0);
}

TEST_F(TheCommandLine, ListsAThousandMachinesByOneCall) {
    constexpr std::size_t many = 1000;
    std::vector<Leader> leaders(many);
    for (std::size_t at = 0; at < many; ++at)
        ASSERT_EQ(register_machine("machine-" + std::to_string(at), leaders[at].number()).error, "");

    const auto took = [&](const Words& words) {
        const auto began = std::chrono::steady_clock::now();
        EXPECT_EQ(say(words, somebody).status, 0);
        return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
    };
    std::printf("list of %zu machines: %lld ms, without addresses %lld ms\n", many,
                static_cast<long long>(took({"list"})), static_cast<long long>(took({"list", "--max-addresses=0"})));
    EXPECT_THAT(say({"list"}, somebody).output, HasSubstr("\n1000 machines listed.\n"));
}

} // namespace machinist::testing
