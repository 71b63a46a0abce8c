// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist::testing {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class SomebodyWithoutRights : public AService {};

constexpr const char* denied = "org.freedesktop.DBus.Error.AccessDenied";
constexpr const char* manage = "org.freedesktop.machine1.manage-machines";
constexpr const char* enroll = "org.freedesktop.machine1.register-machine";
constexpr const char* create = "org.freedesktop.machine1.create-machine";

// A leader that belongs to somebody.
class SomebodysProcess {
public:
    SomebodysProcess() : pid_(::fork()) {
        if (pid_ == 0) {
            if (::setresgid(somebody, somebody, somebody) < 0 || ::setresuid(somebody, somebody, somebody) < 0)
                ::_exit(1);
            // Else procfs shows it as root's, as it does with programs that changed their user.
            ::prctl(PR_SET_DUMPABLE, 1);
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            (void)!::write(ready_[1], "x", 1);
            (void)::close_range(3, ~0U, 0);
            while (true)
                ::pause();
        }
        char ignored = 0;
        (void)!::read(ready_[0], &ignored, 1);
    }
    SomebodysProcess(const SomebodysProcess&) = delete;
    SomebodysProcess& operator=(const SomebodysProcess&) = delete;
    ~SomebodysProcess() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        ::close(ready_[0]);
        ::close(ready_[1]);
    }
    [[nodiscard]] std::uint32_t number() const {
        return static_cast<std::uint32_t>(pid_);
    }

private:
    static int make(int (&ends)[2]) {
        return ::pipe(ends);
    }
    int ready_[2] = {-1, -1};
    int made_ = make(ready_);
    pid_t pid_;
};

} // namespace

TEST_F(SomebodyWithoutRights, MayLook) {
    const Leader leader;
    (void)register_machine("web", leader.number());

    EXPECT_EQ(somebodys("GetMachine", std::string{"web"}).error, "");
    EXPECT_EQ(somebodys("ListMachines").error, "");
    EXPECT_EQ(somebodys("GetMachineByPID", leader.number()).error, "");
    EXPECT_EQ(call_at(somebody_else(), machine_path("web"), "org.freedesktop.DBus.Properties", "GetAll",
                      filling(std::string{machine_interface}))
                  .error,
              "");
    EXPECT_THAT(polkit.asked, IsEmpty());
}

TEST_F(SomebodyWithoutRights, IsRefusedEveryVerbThatChangesSomething) {
    const Leader leader;
    (void)register_machine("web", leader.number());
    const std::string web = "web";

    EXPECT_EQ(somebodys("TerminateMachine", web).error, denied);
    EXPECT_EQ(somebodys("KillMachine", web, std::string{"all"}, std::int32_t{9}).error, denied);
    EXPECT_EQ(somebodys("UnregisterMachine", web).error, denied);
    EXPECT_EQ(
        call_at(somebody_else(), manager_path, manager_interface, "RegisterMachine", registration("x", leader.number()))
            .error,
        denied);
    EXPECT_EQ(call_at(somebody_else(), manager_path, manager_interface, "CreateMachine", creation("x", leader.number()))
                  .error,
              denied);

    EXPECT_EQ(::kill(leader.pid(), 0), 0);
    EXPECT_THAT(names(), ElementsAre(".host", "web"));
}

TEST_F(SomebodyWithoutRights, IsToldNothingBeforePolkitAgreed) {
    const Leader leader;
    (void)register_machine("web", leader.number());

    EXPECT_EQ(somebodys("TerminateMachine", std::string{"nothing"}).error, denied);
    EXPECT_EQ(somebodys("KillMachine", std::string{"nothing"}, std::string{"nonsense"}, std::int32_t{-5}).error,
              denied);
    EXPECT_EQ(
        call_at(somebody_else(), manager_path, manager_interface, "RegisterMachine", registration("web", 1)).error,
        denied);
}

TEST_F(SomebodyWithoutRights, IsAskedAboutWithWhatARuleNeeds) {
    const Leader leader;
    (void)register_machine("web", leader.number());

    (void)somebodys("KillMachine", std::string{"web"}, std::string{"all"}, std::int32_t{9});
    (void)call_at(somebody_else(), manager_path, manager_interface, "TerminateMachine", filling(std::string{"web"}),
                  true);

    ASSERT_EQ(polkit.asked.size(), 2U);
    const char* name = nullptr;
    (void)sd_bus_get_unique_name(somebody_else().raw(), &name);
    EXPECT_EQ(polkit.asked[0].caller, std::string{"system-bus-name "} + name);
    EXPECT_EQ(polkit.asked[0].action, manage);
    EXPECT_THAT(polkit.asked[0].details, UnorderedElementsAre(Pair("machine", "web"), Pair("verb", "kill")));
    EXPECT_EQ(polkit.asked[0].flags, 0U);
    EXPECT_EQ(polkit.asked[1].flags, 1U);
}

TEST_F(SomebodyWithoutRights, StartsNoMachineByTheRightToEndOne) {
    polkit.allowed.insert(manage);

    EXPECT_EQ(call_at(somebody_else(), manager_path, "io.machinist.Manager1", "StartMachine",
                      filling(std::string{"web"}, NamedValues{}))
                  .error,
              denied);

    ASSERT_EQ(polkit.asked.size(), 1U);
    EXPECT_EQ(polkit.asked[0].action, "io.machinist.start-machine");
    EXPECT_THAT(polkit.asked[0].details, UnorderedElementsAre(Pair("machine", "web"), Pair("verb", "start")));
}

TEST_F(SomebodyWithoutRights, MayWhatPolkitAllows) {
    Leader leader;
    (void)create_machine("web", leader.number());
    polkit.allowed.insert(manage);

    EXPECT_EQ(somebodys("KillMachine", std::string{"web"}, std::string{"all"}, std::int32_t{9}).error, "");
    EXPECT_EQ(somebodys("TerminateMachine", std::string{"nothing"}).error, "org.freedesktop.machine1.NoSuchMachine");
}

TEST_F(SomebodyWithoutRights, RegistersNoProcessOfOthers) {
    const Leader leader;
    polkit.allowed = {enroll, create};

    EXPECT_EQ(call_at(somebody_else(), manager_path, manager_interface, "RegisterMachine",
                      registration("web", leader.number()))
                  .error,
              denied);
    EXPECT_EQ(
        call_at(somebody_else(), manager_path, manager_interface, "CreateMachine", creation("web", leader.number()))
            .error,
        denied);
}

TEST_F(SomebodyWithoutRights, EndsTheOwnMachineWithoutBeingAskedAbout) {
    const SomebodysProcess leader;
    polkit.allowed = {enroll};
    ASSERT_EQ(call_at(somebody_else(), manager_path, manager_interface, "RegisterMachine",
                      registration("mine", leader.number()))
                  .error,
              "");
    polkit.allowed.clear();
    polkit.asked.clear();

    EXPECT_EQ(std::get<std::uint32_t>(properties(machine_path("mine"), machine_interface).at("UID")), somebody);
    EXPECT_EQ(somebodys("KillMachine", std::string{"mine"}, std::string{"leader"}, std::int32_t{SIGCONT}).error, "");
    EXPECT_EQ(somebodys("UnregisterMachine", std::string{"mine"}).error, "");
    EXPECT_THAT(polkit.asked, IsEmpty());
}

TEST_F(SomebodyWithoutRights, BlocksNobodyWhileAPersonLooksForThePassword) {
    const Leader leader;
    (void)create_machine("web", leader.number());
    polkit.takes_its_time = true;
    const auto waiting = begin(somebody_else(), "KillMachine",
                               filling(std::string{"web"}, std::string{"all"}, std::int32_t{SIGUSR1}), true);
    ASSERT_TRUE(until([&] { return polkit.asked.size() == 1; }));

    EXPECT_EQ(manager("ListMachines").error, "");
    EXPECT_EQ(machine("web", "Kill", std::string{"all"}, std::int32_t{SIGUSR2}).error, "");
    EXPECT_FALSE(waiting->has_value());
    polkit.decide(true);

    ASSERT_TRUE(until([&] { return waiting->has_value(); }));
    EXPECT_EQ((*waiting)->error, "");
    EXPECT_THAT(systemd.killed, ElementsAre("machine-web.scope  12", "machine-web.scope  10"));
}

TEST_F(SomebodyWithoutRights, WithdrawsTheQuestionByGoingAway) {
    const Leader leader;
    (void)create_machine("web", leader.number());
    polkit.takes_its_time = true;
    (void)begin(somebody_else(), "KillMachine", filling(std::string{"web"}, std::string{"all"}, std::int32_t{SIGUSR1}),
                true);
    ASSERT_TRUE(until([&] { return polkit.asked.size() == 1; }));

    other.reset();

    EXPECT_TRUE(until([&] { return polkit.cancelled.size() == 1; }));
    EXPECT_EQ(polkit.cancelled, std::vector<std::string>{polkit.asked[0].cancellation});
    polkit.decide(true);
    EXPECT_EQ(manager("ListMachines").error, "");
    EXPECT_THAT(systemd.killed, IsEmpty());
}

TEST_F(SomebodyWithoutRights, SetsNoProperty) {
    EXPECT_EQ(call_at(somebody_else(), manager_path, "org.freedesktop.DBus.Properties", "Set",
                      filling(std::string{manager_interface}, std::string{"PoolPath"}, Variant{std::string{"/"}}))
                  .error,
              denied);
    EXPECT_EQ(call_at(*root, manager_path, "org.freedesktop.DBus.Properties", "Set",
                      filling(std::string{manager_interface}, std::string{"PoolPath"}, Variant{std::string{"/"}}))
                  .error,
              "org.freedesktop.DBus.Error.PropertyReadOnly");
}

} // namespace machinist::testing
