// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kept_machine.hpp"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {
namespace {

using ::testing::HasSubstr;

class AMachineInACgroup : public AKeptMachine {
protected:
    void SetUp() override {
        const auto parent = own_cgroup();
        group = parent / ("machinist-kept-" + std::to_string(::getpid()));
        if (parent.empty() || ::mkdir(group.c_str(), 0755) < 0)
            GTEST_SKIP() << "needs a writable cgroup2";
        // Not close-on-exec: it is the supervisor's.
        orders.cgroup_fd = ::open(group.c_str(), O_RDONLY | O_DIRECTORY);
    }
    void TearDown() override {
        if (orders.cgroup_fd < 0)
            return;
        ::close(orders.cgroup_fd);
        ::rmdir((group / "below").c_str());
        ::rmdir(group.c_str());
    }
    // In process 1: somebody whom its own death does not end.
    void leave_somebody_in_the_group() const {
        ::mkdir((group / "below").c_str(), 0755);
        const Pipe joined = make_pipe();
        if (::fork() == 0) {
            ::setsid();
            std::ofstream{group / "below" / "cgroup.procs"} << ::getpid() << std::flush;
            (void)!::write(joined.writes.get(), "!", 1);
            for (;;)
                ::pause();
        }
        char mark = 0;
        (void)!::read(joined.reads.get(), &mark, 1);
    }

    std::filesystem::path group;
};

TEST_F(AMachineInACgroup, IsKilledWithAllThatIsInIt) {
    use_pipes();
    use_lines_of_undo("cgroup " + group.string() + "\n");
    launch([this] {
        leave_somebody_in_the_group();
        machine_says_go();
        ::pause();
    });
    wait_for_go();
    signal_supervisor(SIGTERM);

    EXPECT_EQ(wait_for_end(), (Ended{true, 1}));
    EXPECT_FALSE(std::filesystem::exists(group));
}

TEST_F(AMachineInACgroup, LeavesNobodyInItWhenItStartsAgain) {
    const auto launcher = directory / "launcher";
    std::ofstream{launcher} << "#!/bin/sh\nls -d " << group.string() << "/*/\ncat " << group.string()
                            << "/cgroup.events\n";
    ::chmod(launcher.c_str(), 0755);
    std::strcpy(orders.launcher, launcher.c_str());
    environment.push_back("PATH=/usr/bin:/bin");
    run([this] {
        leave_somebody_in_the_group();
        end_as_rebooted();
    });

    const std::string seen = all_output();
    EXPECT_THAT(seen, HasSubstr("populated 0"));
    EXPECT_THAT(seen, ::testing::Not(HasSubstr("below")));
}

} // namespace
} // namespace machinist
