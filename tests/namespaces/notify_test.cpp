// SPDX-License-Identifier: LGPL-2.1-or-later
// Container Interface D: what process 1 tells, who listens, and what the listener tells its own manager.
#include "namespaces/container_interface.hpp"

#include "spec/run_directory.hpp"

#include <csignal>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace machinist::test {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

namespace {

// A service manager's end of the protocol.
class ServiceManager {
public:
    explicit ServiceManager(const Path& directory) : path_(directory / "manager") {
        socket_ = UniqueFd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        path_.string().copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    [[nodiscard]] std::string variable() const {
        return "NOTIFY_SOCKET=" + path_.string();
    }
    std::string hears(milliseconds patience = 5s) {
        pollfd wanted{socket_.get(), POLLIN, 0};
        if (::poll(&wanted, 1, static_cast<int>(patience.count())) <= 0)
            return "(nothing)";
        char bytes[4096];
        const ssize_t size = ::recv(socket_.get(), bytes, sizeof bytes, 0);
        return {bytes, static_cast<std::size_t>(size > 0 ? size : 0)};
    }
    // All that comes until a message holds text.
    std::string hears_until(const std::string& text) {
        std::string all;
        for (;;) {
            const std::string message = hears();
            all += message + "\n--\n";
            if (message == "(nothing)" || message.find(text) != std::string::npos)
                return all;
        }
    }

private:
    Path path_;
    UniqueFd socket_;
};

class Notification : public TheContainerInterface {
protected:
    std::string told() {
        return text_of(run_directory::path(machine().name()) + "/notify");
    }
    bool comes_to_tell(const std::string& line) {
        return eventually([&] { return told().find(line) != std::string::npos; }, 5s);
    }
    Machine& boot_below(ServiceManager& manager, std::vector<std::string> options = {}) {
        Start start = as_this_way(std::move(options));
        start.environment = {manager.variable()};
        return this->start(start);
    }
};

} // namespace

EVERY_WAY(Notification);

TEST_P(Notification, D1_ListensToProcessOneOnly) {
    boot();

    EXPECT_EQ(ask("child notify STATUS=of\\sa\\schild"), "ok");
    EXPECT_EQ(ask("notify STATUS=of\\sprocess\\sone"), "ok");

    EXPECT_TRUE(comes_to_tell("STATUS=of process one\n"));
    EXPECT_THAT(told(), Not(HasSubstr("child")));
}

TEST_P(Notification, D1_DescriptorsThatNobodyAskedForAreNotKept) {
    boot();
    for (int round = 0; round < 20; ++round)
        EXPECT_THAT(ask("notify-with-descriptors 50"), AnyOf("ok", "!EPERM"));
    EXPECT_EQ(ask("notify STATUS=after"), "ok");
    ASSERT_TRUE(comes_to_tell("STATUS=after\n"));

    const std::string directory = "/proc/" + std::to_string(machine().program().pid()) + "/fd";
    EXPECT_LT(std::distance(std::filesystem::directory_iterator{directory}, {}), 50);
}

TEST_P(Notification, D2_OnlyRootOfTheMachineMayTalk) {
    boot();

    EXPECT_EQ(ask("as 1000 notify READY=1"), "!EACCES");
}

TEST_P(Notification, D3_ReadyMeansBooted) {
    boot();
    EXPECT_NE(machinist({"wait", machine().name(), "--for=ready", "--timeout=0.2"}).status, 0);

    ASSERT_EQ(ask("notify READY=1\\nSTATUS=Ready."), "ok");

    const Outcome outcome = machinist({"wait", machine().name(), "--for=ready", "--timeout=10"});
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
}

TEST_P(Notification, D4_StatusIsShown) {
    boot();
    ASSERT_EQ(ask("notify STATUS=Counting\\ssheep"), "ok");
    ASSERT_TRUE(comes_to_tell("STATUS=Counting sheep\n"));

    EXPECT_THAT(machinist({"status", machine().name()}).output, HasSubstr("Counting sheep"));
}

TEST_P(Notification, D5_IdHostNameAndSignalLevelAreKept) {
    boot();
    ASSERT_EQ(ask("notify X_SYSTEMD_MACHINE_ID=0123456789abcdef0123456789abcdef\\nX_SYSTEMD_HOSTNAME=inside"), "ok");
    ASSERT_EQ(ask("notify X_SYSTEMD_SIGNALS_LEVEL=2"), "ok");

    EXPECT_TRUE(comes_to_tell("X_SYSTEMD_SIGNALS_LEVEL=2\n"));
    EXPECT_THAT(told(), AllOf(HasSubstr("X_SYSTEMD_MACHINE_ID=0123456789abcdef0123456789abcdef\n"),
                              HasSubstr("X_SYSTEMD_HOSTNAME=inside\n")));
}

TEST_P(Notification, D1_TextCannotBreakOutOfItsField) {
    boot();
    ASSERT_EQ(ask("notify STATUS=red\x1b[31m\x01"), "ok");

    ASSERT_TRUE(comes_to_tell("STATUS=red"));
    EXPECT_THAT(told(), AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\x01"))));
}

TEST_P(Notification, D1_FloodOfMessagesIsBounded) {
    boot();
    for (int number = 0; number < 300; ++number)
        ask("notify FIELD" + std::to_string(number) + "=" + std::string(500, 'x'));
    ASSERT_EQ(ask("notify STATUS=after"), "ok");
    ASSERT_TRUE(comes_to_tell("STATUS=after\n"));

    EXPECT_LT(told().size(), 100'000U);
}

TEST_P(Notification, D10_ManagerHearsOfTheStartAtOnce) {
    ServiceManager manager{tree.workplace().path()};
    boot_below(manager);
    ASSERT_EQ(ask("pid"), "pid=1 parent=0 group=1 session=1");

    const std::string first = manager.hears_until("READY=1");
    EXPECT_THAT(first, AllOf(HasSubstr("STATUS=Container started."),
                             HasSubstr("X_NSPAWN_LEADER_PID=" + std::to_string(machine().leader()))));
}

TEST_P(Notification, D10_ManagerHearsOfReadinessOnlyFromTheMachineIfSoAsked) {
    ServiceManager manager{tree.workplace().path()};
    boot_below(manager, {"--notify-ready=yes"});
    EXPECT_THAT(manager.hears_until("X_NSPAWN_LEADER_PID="), Not(HasSubstr("READY=1")));
    EXPECT_EQ(manager.hears(200ms), "(nothing)");

    ASSERT_EQ(ask("notify READY=1"), "ok");

    EXPECT_THAT(manager.hears(), HasSubstr("READY=1"));
}

TEST_P(Notification, D10_ManagerHearsTheMachinesStatus) {
    ServiceManager manager{tree.workplace().path()};
    boot_below(manager);
    manager.hears_until("READY=1");

    ASSERT_EQ(ask("notify STATUS=half\\sway"), "ok");

    EXPECT_THAT(manager.hears(), HasSubstr("STATUS=Container running: half way"));
}

TEST_P(Notification, D10_ManagerHearsOfTheEnd) {
    ServiceManager manager{tree.workplace().path()};
    boot_below(manager);
    manager.hears_until("READY=1");

    machine().tell("exit 7");
    EXPECT_EQ(machine().status_at_end(), 7);

    const std::string all = manager.hears_until("EXIT_STATUS=");
    EXPECT_THAT(all, AllOf(HasSubstr("STOPPING=1"), HasSubstr("EXIT_STATUS=7")));
}

TEST_P(Notification, D10_ManagersSocketStaysItsOwn) {
    ServiceManager manager{tree.workplace().path()};
    boot_below(manager);

    EXPECT_EQ(ask("getenv NOTIFY_SOCKET"), "/run/host/notify");
    EXPECT_EQ(ask("getenv WATCHDOG_USEC"), "!unset");
}

TEST_P(Notification, D10_WatchdogOfTheManagerIsFed) {
    ServiceManager manager{tree.workplace().path()};
    Start start = as_this_way();
    start.environment = {manager.variable(), "WATCHDOG_USEC=200000"};
    this->start(start);

    EXPECT_THAT(manager.hears_until("WATCHDOG=1"), HasSubstr("WATCHDOG=1"));
    EXPECT_THAT(manager.hears_until("WATCHDOG=1"), HasSubstr("WATCHDOG=1"));
}

} // namespace machinist::test
