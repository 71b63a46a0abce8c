// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/remnants.hpp"

#include "kernel/mounts.hpp"
#include "machine_tree.hpp"
#include "private_mounts.hpp"
#include "registry/audit.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

MATCHER_P2(IsRemnant, kind, path, "") {
    return arg.kind == kind && arg.path == path;
}

} // namespace

class Remnants : public MachineTree {
protected:
    void remove_all() {
        for (const Remnant& remnant : find_remnants(places))
            remove_remnant(remnant, places);
    }
};

TEST_F(Remnants, AreNothingOfAMachineThatRuns) {
    const ALeader leader;
    const auto path = run_directory("web", leader);
    state_file("web", leader, path.string());
    const UniqueFd lock = keep(path);
    std::filesystem::create_directory(places.layers / "web");
    write_atomically(path / "undo", "tree " + (places.layers / "web").string() + "\n", 0600);

    EXPECT_THAT(find_remnants(places), IsEmpty());
}

TEST_F(Remnants, AreRunDirectoriesThatNobodyKeeps) {
    ALeader leader;
    const auto path = run_directory("web", leader);
    leader.end();

    EXPECT_THAT(find_remnants(places), ElementsAre(IsRemnant(RemnantKind::run_directory, path)));
    remove_all();
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(Remnants, TellAMachineWithoutSupervisorFromOneThatEnded) {
    const ALeader leader;
    run_directory("web", leader);

    EXPECT_STREQ(find_remnants(places).at(0).why, "its machine runs without supervisor");
}

TEST_F(Remnants, AreStateFilesOfOursWhoseMachineEnded) {
    ALeader leader;
    state_file("web", leader, (places.run_directories / "web").string());
    leader.end();

    EXPECT_THAT(find_remnants(places), ElementsAre(IsRemnant(RemnantKind::state_file, places.state_files / "web")));
    remove_all();
    EXPECT_FALSE(std::filesystem::exists(places.state_files / "web"));
}

TEST_F(Remnants, AreNeverStateFilesOfOtherManagers) {
    ALeader leader;
    state_file("web", leader);
    leader.end();

    EXPECT_THAT(find_remnants(places), IsEmpty());
}

TEST_F(Remnants, AreNoStateFilesOfAMachineThatStartsAgain) {
    ALeader leader;
    const auto path = run_directory("web", leader);
    state_file("web", leader, path.string());
    const UniqueFd lock = keep(path);
    leader.end();

    EXPECT_THAT(find_remnants(places), IsEmpty());
}

TEST_F(Remnants, DoNotIncludeAStateFileThatWasRenewedMeanwhile) {
    ALeader dead;
    const ALeader living;
    state_file("web", dead, (places.run_directories / "web").string());
    dead.end();
    const auto found = find_remnants(places);
    state_file("web", living, (places.run_directories / "web").string());

    remove_remnant(found.at(0), places);

    EXPECT_EQ(parse_machine_record(read_file(places.state_files / "web"))->leader, living.pid());
}

TEST_F(Remnants, AreLayersThatNoRunDirectoryWillUndo) {
    ALeader leader;
    const auto path = run_directory("web", leader);
    const UniqueFd lock = keep(path);
    write_atomically(path / "undo", "rmdir /x\ntree " + (places.layers / "web").string() + "\n", 0600);
    std::filesystem::create_directories(places.layers / "web/upper");
    std::filesystem::create_directories(places.layers / "webber/upper/deep");

    EXPECT_THAT(find_remnants(places), ElementsAre(IsRemnant(RemnantKind::layer, places.layers / "webber")));
    remove_all();
    EXPECT_TRUE(std::filesystem::exists(places.layers / "web/upper"));
    EXPECT_TRUE(std::filesystem::exists(places.layers / "web"));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator{places.layers}, {}), 1);
}

TEST_F(Remnants, AreLayersThatAreLinksAndNotWhatTheyLeadTo) {
    std::filesystem::create_directory(root / "precious");
    std::filesystem::create_symlink(root / "precious", places.layers / "link");

    remove_all();

    EXPECT_TRUE(std::filesystem::exists(root / "precious"));
    EXPECT_FALSE(std::filesystem::is_symlink(places.layers / "link"));
}

TEST_F(Remnants, AreIdRangeLocksThatNobodyHolds) {
    write_atomically(places.id_range_locks / "524288", "", 0600);
    write_atomically(places.id_range_locks / "589824", "", 0600);
    const UniqueFd held = open_path(places.id_range_locks / "589824", O_RDWR);
    ASSERT_EQ(::flock(held.get(), LOCK_EX | LOCK_NB), 0);

    EXPECT_THAT(find_remnants(places),
                ElementsAre(IsRemnant(RemnantKind::id_range_lock, places.id_range_locks / "524288")));
    remove_all();
    EXPECT_FALSE(std::filesystem::exists(places.id_range_locks / "524288"));
}

TEST_F(Remnants, AreEmptyCgroupsOfMachines) {
    places.cgroups = root / "cgroup";
    const auto slice = places.cgroups / "machine.slice";
    for (const auto& [name, populated] :
         {std::pair{"machine-a.scope", "0"}, {"machine-b.scope", "1"}, {"other.scope", "0"}}) {
        std::filesystem::create_directories(slice / name);
        write_atomically(slice / name / "cgroup.events", std::string{"populated "} + populated + "\nfrozen 0\n", 0644);
    }

    EXPECT_THAT(find_remnants(places), ElementsAre(IsRemnant(RemnantKind::cgroup, slice / "machine-a.scope")));
}

TEST_F(Remnants, AreEachFoundByTheAuditorWithARemedy) {
    ALeader leader;
    run_directory("web", leader);
    leader.end();

    const auto found = audit(places);

    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].kind, "run directory");
    EXPECT_EQ(found[0].object, (places.run_directories / "web").string());
    EXPECT_EQ(found[0].remedy, "machinist gc");
}

TEST_F(Remnants, OfMountsAreFoundByTheAuditor) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root to mount";
    std::filesystem::create_directory(places.runtime / "with blank");

    const std::string found = testing::in_private_mounts([&] {
        std::string text;
        attach_mount(make_filesystem("tmpfs", {}), open_path(places.runtime / "with blank", O_PATH | O_DIRECTORY));
        for (const Finding& finding : audit(places))
            text += finding.kind + " " + finding.object + "\n";
        return text;
    });

    EXPECT_EQ(found, "mount " + (places.runtime / "with blank").string() + "\n");
}

TEST_F(Remnants, AreSupervisorsThatKeepNoMachine) {
    const auto program = root / "machinist-supervisor";
    std::filesystem::copy_file("/bin/sleep", program);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::execl(program.c_str(), "machinist-supervisor", "100", nullptr);
        ::_exit(1);
    }
    std::vector<Finding> found;
    for (int attempt = 0; attempt < 200 && found.empty(); ++attempt) {
        ::usleep(10'000);
        for (Finding& finding : audit(places))
            if (finding.object == std::to_string(pid))
                found.push_back(std::move(finding));
    }
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);

    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].kind, "process");
    EXPECT_EQ(found[0].remedy, "kill " + std::to_string(pid));
}

} // namespace machinist
