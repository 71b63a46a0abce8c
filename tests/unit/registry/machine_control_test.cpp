// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/machine_control.hpp"

#include "base/failure.hpp"
#include "machine_tree.hpp"
#include "registry/machine_facts.hpp"
#include "registry/machine_store.hpp"
#include "registry/machine_watch.hpp"

#include <thread>

namespace machinist {

using namespace std::chrono_literals;

class AMachine : public MachineTree {
protected:
    Machine machine(const ALeader& leader) {
        state_file("web", leader);
        return MachineStore{places}.get("web");
    }
};

TEST_F(AMachine, IsKilledByItsLeader) {
    const ALeader leader;
    const Machine web = machine(leader);

    kill_machine(web, Whom::leader, SIGKILL);

    EXPECT_TRUE(web.leader.wait_for_end(2000));
}

TEST_F(AMachine, HasNoSupervisorToKillUnlessItSaysSo) {
    const ALeader leader;

    EXPECT_THROW(kill_machine(machine(leader), Whom::supervisor, SIGTERM), Failure);
}

TEST_F(AMachine, WhoseProcess1DoesNotListenIsNotAskedInVain) {
    const ALeader leader;
    const Machine web = machine(leader);

    EXPECT_THROW(signal_leader_when_heard(web, SIGRTMIN + 4, 50ms), Failure);
    EXPECT_TRUE(web.leader.alive());
}

TEST_F(AMachine, IsTerminatedTogetherWithItsRunDirectory) {
    const ALeader leader;
    state_file("web", leader);
    const auto path = run_directory("web", leader);

    terminate_machine(MachineStore{places}.get("web"), places, 5s);

    EXPECT_FALSE(MachineStore{places}.find(*MachineName::parse("web")));
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(AMachine, InTheHostsNetworkHasNoAddressesOfItsOwn) {
    const ALeader leader;

    const MachineFacts facts = read_machine_facts(machine(leader), {});

    EXPECT_FALSE(facts.has_own_network);
    EXPECT_TRUE(facts.addresses.empty());
    EXPECT_FALSE(facts.os_release.empty());
}

TEST_F(AMachine, WithTheHostsIdsHasNoShift) {
    const ALeader leader;

    EXPECT_FALSE(read_id_shift(machine(leader)));
}

class AMachineWatch : public MachineTree {};

TEST_F(AMachineWatch, SeesAMachineAppearThatHadNoDirectoryYet) {
    places.run_directories = root / "later/machines";
    MachineWatch watch{places, {"web"}};
    std::thread other{[&] {
        std::this_thread::sleep_for(20ms);
        std::filesystem::create_directories(places.run_directories / "web");
        write_atomically(places.run_directories / "web/notify", "READY=1\n", 0600);
    }};

    const auto deadline = MachineWatch::Clock::now() + 5s;
    bool seen = false;
    while (!seen && watch.wait({}, deadline))
        seen = std::filesystem::exists(places.run_directories / "web/notify");
    other.join();

    EXPECT_TRUE(seen);
}

TEST_F(AMachineWatch, SeesTheEndOfALeader) {
    ALeader leader;
    const auto held = Pidfd::open(leader.pid());
    MachineWatch watch{places, {}};
    EXPECT_FALSE(watch.wait({held->descriptor()}, MachineWatch::Clock::now() + 10ms));

    leader.end();

    EXPECT_TRUE(watch.wait({held->descriptor()}, MachineWatch::Clock::now() + 5s));
}

} // namespace machinist
