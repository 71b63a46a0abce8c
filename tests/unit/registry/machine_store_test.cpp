// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/machine_store.hpp"

#include "base/failure.hpp"
#include "machine_tree.hpp"
#include "registry/run_directory_view.hpp"
#include "spec/spec_json.hpp"

namespace machinist {

class AMachineStore : public MachineTree {
protected:
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (const Machine& machine : MachineStore{places}.list())
            found.push_back(machine.name());
        return found;
    }
};

TEST_F(AMachineStore, ListsMachinesByName) {
    const ALeader one;
    const ALeader two;
    state_file("web", one);
    state_file("db", two);

    EXPECT_EQ(names(), (std::vector<std::string>{"db", "web"}));
}

TEST_F(AMachineStore, IsEmptyWhereNothingEverRan) {
    places.state_files = root / "nowhere";
    places.run_directories = root / "nowhere";

    EXPECT_TRUE(names().empty());
}

TEST_F(AMachineStore, ForgetsAMachineWhoseLeaderIsDead) {
    ALeader leader;
    state_file("web", leader);
    run_directory("web", leader);
    leader.end();

    EXPECT_TRUE(names().empty());
    EXPECT_THROW((void)MachineStore{places}.get("web"), Failure);
}

TEST_F(AMachineStore, TakesNoOtherProcessOfTheSameNumberForTheLeader) {
    const ALeader leader;
    state_file("web", leader);
    auto record = *parse_machine_record(read_file(places.state_files / "web"));
    record.leader_pidfd_id += 1;

    write_atomically(places.state_files / "web", write_machine_record(record), 0644);

    EXPECT_TRUE(names().empty());
}

TEST_F(AMachineStore, TakesNoProcessThatBeganAfterTheRegistrationForTheLeader) {
    const ALeader leader;
    MachineRecord record;
    record.name = *MachineName::parse("old");
    record.leader = leader.pid();
    record.monotonic = 1;

    write_atomically(places.state_files / "old", write_machine_record(record), 0644);

    EXPECT_TRUE(names().empty());
}

TEST_F(AMachineStore, PrefersTheLeaderOfTheRunDirectory) {
    ALeader before;
    const ALeader after;
    state_file("web", before);
    run_directory("web", after);
    before.end();

    EXPECT_EQ(MachineStore{places}.get("web").leader.pid(), after.pid());
}

TEST_F(AMachineStore, KnowsWhatTheMachineTold) {
    const ALeader leader;
    state_file("web", leader);
    write_atomically(run_directory("web", leader) / "notify", "READY=1\nSTATUS=Startup finished = yes\nnonsense\n",
                     0600);

    const Machine machine = MachineStore{places}.get("web");

    EXPECT_TRUE(machine.is_ready());
    EXPECT_EQ(machine.notifications.at("STATUS"), "Startup finished = yes");
    EXPECT_STREQ(machine.state(), "running");
}

TEST_F(AMachineStore, SeesAMachineOfOursWithoutStateFile) {
    const ALeader leader;
    MachineSpec spec;
    spec.name = *MachineName::parse("web");
    spec.service = "systemd-nspawn";
    write_atomically(run_directory("web", leader) / "spec.json", to_json(spec), 0600);

    EXPECT_EQ(MachineStore{places}.get("web").record.service, "systemd-nspawn");
}

TEST_F(AMachineStore, DoesNotListWhatWasNotToBeListed) {
    const ALeader leader;
    MachineSpec spec;
    spec.name = *MachineName::parse("quiet");
    spec.registered = false;
    for (const char* key : {"quiet", "quiet@17"})
        write_atomically(run_directory(key, leader) / "spec.json", to_json(spec), 0600);

    EXPECT_TRUE(names().empty());
}

TEST_F(AMachineStore, FollowsNoLinkAndReadsNoFifo) {
    const ALeader leader;
    state_file("web", leader);
    std::filesystem::create_symlink("web", places.state_files / "unit:web.service");
    std::filesystem::create_symlink("web", places.state_files / "other");
    ASSERT_EQ(::mkfifo((places.state_files / "pipe").c_str(), 0600), 0);

    EXPECT_EQ(names(), (std::vector<std::string>{"web"}));
}

TEST_F(AMachineStore, DoesNotTakeAFileForAnotherMachine) {
    const ALeader leader;
    state_file("web", leader);
    std::filesystem::rename(places.state_files / "web", places.state_files / "db");

    EXPECT_TRUE(names().empty());
}

TEST_F(AMachineStore, SaysThatAMachineIsNotKnownInMachinectlsWords) {
    for (const char* name : {"nope", "", "../web", "a b"}) {
        try {
            (void)MachineStore{places}.get(name);
            FAIL() << name;
        } catch (const Failure& failure) {
            EXPECT_EQ(failure.what(), "No machine '" + std::string{name} + "' known");
            EXPECT_EQ(exit_status_for(failure), 1);
        }
    }
}

TEST_F(AMachineStore, CallsAMachineOpeningWhileItsLauncherKeepsIt) {
    const ALeader leader;
    const ALeader supervisor;
    state_file("web", leader);
    auto record = *parse_machine_record(read_file(places.state_files / "web"));
    record.supervisor = supervisor.pid();
    write_atomically(places.state_files / "web", write_machine_record(record), 0644);
    run_directory("web", leader);

    EXPECT_STREQ(MachineStore{places}.get("web").state(), "opening");
}

// Over the bus it may be a program of a moment that registers a machine.
TEST_F(AMachineStore, AsksTheLeadersFileWhoKeepsAMachine) {
    const ALeader leader;
    state_file("web", leader);
    std::string line = leader.line();
    line.pop_back();

    write_atomically(run_directory("web", leader) / "leader", line + " " + std::to_string(::getpid()) + " 0\n", 0600);

    EXPECT_STREQ(MachineStore{places}.get("web").state(), "opening");
}

TEST_F(AMachineStore, SeesThatAMachineIsOnTheListBeforeItsLeaderIsWrittenDown) {
    const ALeader leader;
    state_file("web", leader);
    std::filesystem::remove(run_directory("web", leader) / "leader");

    EXPECT_STREQ(MachineStore{places}.get("web").state(), "opening");
}

TEST_F(AMachineStore, WaitsNoLongerForAMachineThatIsGone) {
    ALeader leader;
    state_file("web", leader);
    std::filesystem::remove(run_directory("web", leader) / "leader");
    const MachineStore machines{places};
    Machine machine = machines.get("web");
    leader.end();

    EXPECT_THROW(machines.wait_until_open(machine), Failure);
}

TEST_F(AMachineStore, SeesWhetherSomebodyKeepsARunDirectory) {
    const ALeader leader;
    const auto path = run_directory("web", leader);
    const auto view = RunDirectoryView::open(path);
    EXPECT_FALSE(view->is_kept());

    const UniqueFd lock = keep(path);

    EXPECT_TRUE(view->is_kept());
}

} // namespace machinist
