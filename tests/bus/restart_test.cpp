// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service.hpp"

#include "kernel/files.hpp"
#include "kernel/pidfd.hpp"
#include "spec/machine_record.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <sys/stat.h>

namespace machinist::testing {

namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class ARestart : public AService {
protected:
    void write_state(const std::string& name, const Leader& leader, const std::string& run_directory = "") {
        MachineRecord record;
        record.name = *MachineName::parse(name);
        record.service = "systemd-nspawn";
        record.leader = leader.pid();
        record.leader_pidfd_id = Pidfd::open(leader.pid())->inode();
        record.run_directory = run_directory;
        write_atomically(state_file(name), write_machine_record(record), 0644);
    }
    std::size_t put_aside() const {
        std::error_code missing;
        const std::filesystem::directory_iterator all{quarantine, missing};
        return static_cast<std::size_t>(std::distance(all, std::filesystem::directory_iterator{}));
    }
};

class ACorruptedStateFile : public ARestart {};

} // namespace

TEST_F(ARestart, FindsEveryMachineAgain) {
    const Leader one;
    const Leader two;
    (void)create_machine("one", one.number());
    (void)call_at(*root, manager_path, manager_interface, "RegisterMachine",
                  registration("two", two.number(), "vm", std::vector<std::uint8_t>(16, 7), "/srv/x", "mine"));
    const auto before = properties(machine_path("two"), machine_interface);
    const auto before_one = properties(machine_path("one"), machine_interface);

    kill_daemon(SIGKILL);
    start_daemon();

    EXPECT_THAT(names(), ElementsAre(".host", "one", "two"));
    EXPECT_EQ(properties(machine_path("two"), machine_interface), before);
    EXPECT_EQ(properties(machine_path("one"), machine_interface), before_one);
    EXPECT_EQ(std::filesystem::read_symlink(state_directory / "unit:machine-one.scope"), "one");
}

TEST_F(ARestart, KnowsStillWhichUnitIsTheMachines) {
    const Leader leader;
    (void)create_machine("web", leader.number());

    kill_daemon(SIGKILL);
    start_daemon();

    EXPECT_EQ(manager("TerminateMachine", std::string{"web"}).error, "");
    EXPECT_THAT(systemd.stopped, ElementsAre("machine-web.scope"));
}

TEST_F(ARestart, DropsMachinesThatEndedMeanwhile) {
    Leader one;
    const Leader two;
    (void)create_machine("one", one.number());
    (void)create_machine("two", two.number());

    kill_daemon(SIGKILL);
    one.end();
    start_daemon();

    EXPECT_THAT(names(), ElementsAre(".host", "two"));
    EXPECT_FALSE(std::filesystem::exists(state_file("one")));
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(state_directory / "unit:machine-one.scope")));
    systemd.scopes.erase("machine-one.scope");
    const Leader again;
    EXPECT_EQ(create_machine("one", again.number()).error, "");
}

TEST_F(ARestart, SeesTheEndOfAMachineThatItDidNotSeeBegin) {
    Leader leader;
    (void)register_machine("web", leader.number());
    kill_daemon(SIGKILL);
    start_daemon();
    listen();

    leader.end();

    EXPECT_TRUE(until([&] { return saw("MachineRemoved", "web"); }));
}

TEST_F(ARestart, FindsMachinesWhoseScopeWasBeingStarted) {
    const Leader leader;
    systemd.holds_jobs = true;
    (void)begin(*root, "CreateMachine", creation("web", leader.number()));
    ASSERT_TRUE(until([&] { return !systemd.scopes.empty(); }));

    kill_daemon(SIGKILL);
    start_daemon();
    systemd.finish_jobs();

    EXPECT_THAT(names(), ElementsAre(".host", "web"));
}

TEST_F(ARestart, TakesMachinesThatOthersWroteIntoTheDirectory) {
    listen();
    Leader leader;

    write_state("alone", leader, "/run/machinist/machines/alone");

    EXPECT_TRUE(until([&] { return saw("MachineNew", "alone"); }));
    EXPECT_THAT(names(), ElementsAre(".host", "alone"));
    leader.end();
    EXPECT_TRUE(until([&] { return saw("MachineRemoved", "alone"); }));
    EXPECT_TRUE(std::filesystem::exists(state_file("alone"))) << "its supervisor removes what it wrote";
}

TEST_F(ARestart, IsSurvivedByNothingOfADeadBus) {
    const Leader leader;
    (void)register_machine("web", leader.number());

    bus.restart();

    EXPECT_EQ(daemon_ends(), 1) << "systemd starts it again";
    root = bus.connect(loop);
    start_daemon();
    EXPECT_THAT(names(), ElementsAre(".host", "web"));
}

TEST_F(ARestart, OfSystemdMakesItListenAgain) {
    EXPECT_TRUE(until([&] { return systemd.subscriptions == 1; }));

    systemd.come_again();

    EXPECT_TRUE(until([&] { return systemd.subscriptions == 2; }));
}

TEST_F(ACorruptedStateFile, IsPutAsideAndConcernsNobodyElse) {
    const Leader good;
    const Leader bad;
    (void)register_machine("good", good.number());
    (void)register_machine("bad", bad.number());
    kill_daemon(SIGKILL);
    write_atomically(state_file("bad"), "\xff\xfe rubbish \"", 0644);

    start_daemon();

    EXPECT_THAT(names(), ElementsAre(".host", "good"));
    EXPECT_FALSE(std::filesystem::exists(state_file("bad")));
    EXPECT_EQ(put_aside(), 1U);
    EXPECT_EQ(register_machine("bad", bad.number()).error, "");
}

TEST_F(ACorruptedStateFile, MayBeWrongInAnyByte) {
    const Leader good;
    const Leader bad;
    (void)register_machine("good", good.number());
    (void)register_machine("bad", bad.number());
    kill_daemon(SIGKILL);
    const std::string whole = read_file(state_file("bad"));

    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string text = whole;
        text[at] = static_cast<char>(text[at] ^ 0x15);
        write_atomically(state_file("bad"), text, 0644);
        start_daemon();
        const auto all = names();
        EXPECT_THAT(all, ::testing::Contains("good")) << "byte " << at;
        EXPECT_LE(all.size(), 3U) << "byte " << at;
        kill_daemon(SIGKILL);
    }
    for (const std::size_t length : {std::size_t{0}, std::size_t{1}, whole.size() / 2, whole.size() - 1}) {
        write_atomically(state_file("bad"), whole.substr(0, length), 0644);
        start_daemon();
        EXPECT_THAT(names(), ::testing::Contains("good")) << "cut at " << length;
        kill_daemon(SIGKILL);
    }
    start_daemon();
}

TEST_F(ACorruptedStateFile, MayBeNoFileAtAll) {
    const Leader good;
    (void)register_machine("good", good.number());
    kill_daemon(SIGKILL);
    std::filesystem::create_directory(state_file("a-directory"));
    std::filesystem::create_symlink("/etc/passwd", state_file("a-link"));
    std::filesystem::create_symlink("good", state_file("another"));
    ASSERT_EQ(::mkfifo(state_file("a-pipe").c_str(), 0600), 0);
    write_atomically(state_file("large"), std::string(1 << 20, 'A'), 0644);
    std::string text = read_file(state_file("good"));
    write_atomically(state_file("copy"), text, 0644);

    start_daemon();

    EXPECT_THAT(names(), ElementsAre(".host", "good"));
    EXPECT_EQ(put_aside(), 6U);
}

TEST_F(ACorruptedStateFile, MakesNobodyTheLeaderWhoIsNotTheOneThatWasMeant) {
    const Leader leader;
    kill_daemon(SIGKILL);
    MachineRecord record;
    record.name = *MachineName::parse("web");
    record.leader = leader.pid();
    record.leader_pidfd_id = 12345;
    std::filesystem::create_directories(state_directory);
    write_atomically(state_file("web"), write_machine_record(record), 0644);

    start_daemon();

    EXPECT_THAT(names(), SizeIs(Pidfd::open(leader.pid())->inode() == 0 ? 2 : 1));
}

} // namespace machinist::testing
