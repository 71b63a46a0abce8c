// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service.hpp"

#include "kernel/files.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <gmock/gmock.h>
#include <sstream>

namespace machinist::testing {

namespace {

constexpr int many = 2000;

class ManyMachines : public AService {
protected:
    // Kilobytes that are the daemon's alone.
    long private_memory() const {
        long total = 0;
        std::istringstream lines{read_file("/proc/" + std::to_string(daemon) + "/smaps_rollup")};
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with("Private_"))
                total += std::atol(line.substr(line.find(':') + 1).c_str());
        return total;
    }
};

} // namespace

TEST_F(ManyMachines, AreHeldWithoutAFailure) {
    std::vector<Leader> leaders(many);
    (void)create_machine("first", 0);
    const long before = private_memory();

    for (int at = 0; at < many; ++at)
        ASSERT_EQ(create_machine("machine-" + std::to_string(at), leaders[static_cast<std::size_t>(at)].number()).error,
                  "")
            << at;

    EXPECT_EQ(names().size(), many + 2U);
    const long each = (private_memory() - before) * 1024 / many;
    RecordProperty("bytes_per_machine", static_cast<int>(each));
    std::printf("private memory of a machine: %ld bytes\n", each);
    kill_daemon(SIGKILL);
    start_daemon();
    EXPECT_EQ(names().size(), many + 2U);
    EXPECT_EQ(call_at(*root, manager_path, "io.machinist.Manager1", "ListMachines", {})
                  .take<std::vector<NamedValues>>()
                  .size(),
              many + 1U);
    leaders.clear();
    EXPECT_TRUE(until([&] { return names().size() == 2; }));
}

TEST_F(ManyMachines, LeaveNoMemoryBehind) {
    const Leader leader;
    const auto turn = [&] {
        ASSERT_EQ(register_machine("web", leader.number()).error, "");
        ASSERT_EQ(manager("UnregisterMachine", std::string{"web"}).error, "");
    };
    // What is lost is lost in each batch. A queue that grew once, for the bus was slow, leaves its memory to the heap.
    constexpr int batches = 5;
    constexpr long flat = 64;
    long growth = 0;
    for (int batch = 0; batch < batches; ++batch) {
        const long before = private_memory();
        for (int round = 0; round < 2000; ++round)
            turn();
        growth = private_memory() - before;
        if (growth <= flat)
            break;
    }
    EXPECT_LE(growth, flat) << "kilobytes";
}

} // namespace machinist::testing
