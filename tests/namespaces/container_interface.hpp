// SPDX-License-Identifier: LGPL-2.1-or-later
// The ways a machine is started in, and the fixture that asks the same of each.
#pragma once

#include "namespaces/machine.hpp"

#include <gmock/gmock.h>
#include <ostream>

namespace machinist::test {

struct Way {
    const char* name;
    CalledAs called_as;
    std::vector<std::string> options;
    bool own_users;
    bool own_network;
};

inline void PrintTo(const Way& way, std::ostream* stream) {
    *stream << way.name;
}

inline const Way all_ways[] = {
    {"Machinist", CalledAs::machinist, {}, true, false},
    {"MachinistWithItsOwnNetwork", CalledAs::machinist, {"--private-network"}, true, true},
    {"Nspawn", CalledAs::nspawn, {}, false, false},
    {"NspawnWithItsOwnUsers", CalledAs::nspawn, {"-U"}, true, false},
    {"NspawnWithItsOwnNetwork", CalledAs::nspawn, {"--private-network"}, false, true},
};

// The numbers in the names of its tests are those of the Container Interface's list in tests/README.md.
class TheContainerInterface : public ABootedMachine, public testing::WithParamInterface<Way> {
protected:
    Machine& boot(std::vector<std::string> options = {}, std::vector<std::string> command = {"/probe"}) {
        return start(as_this_way(std::move(options), std::move(command)));
    }
    static Start as_this_way(std::vector<std::string> options = {}, std::vector<std::string> command = {"/probe"}) {
        std::vector<std::string> all = GetParam().options;
        all.insert(all.end(), options.begin(), options.end());
        return {.options = std::move(all), .command = std::move(command), .called_as = GetParam().called_as};
    }
    unsigned long long capability_set(const char* field) {
        return std::stoull(ask(std::string{"status "} + field), nullptr, 16);
    }
    // What is refused before anything is made: one sentence that names the option.
    void expect_refused(std::vector<std::string> options, const std::string& named, int status = 1) {
        Start start = as_this_way(std::move(options));
        const Outcome outcome = outcome_of(start);
        // systemd-nspawn knows one status for all that is wrong.
        EXPECT_EQ(outcome.status, start.called_as == CalledAs::nspawn ? 1 : status) << outcome.errors;
        EXPECT_THAT(outcome.errors, testing::HasSubstr(named));
    }
};

// Where a way makes no difference: `machinist run`.
class AnyContainer : public ABootedMachine {};

#define EVERY_WAY(fixture)                                                                                             \
    INSTANTIATE_TEST_SUITE_P(                                                                                          \
        Started, fixture, testing::ValuesIn(all_ways),                                                                 \
        [](const testing::TestParamInfo<Way>& started) { return std::string{started.param.name}; })

std::string of_host(const std::string& path);
// The directory of a process's group in the unified hierarchy.
Path cgroup_of(pid_t process);
// "mnt:[4026531841]" of the test itself.
std::string namespace_of_host(const std::string& kind);

} // namespace machinist::test
