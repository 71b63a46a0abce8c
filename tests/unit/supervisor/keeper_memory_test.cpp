// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kept_machine.hpp"

#include <csignal>
#include <iostream>
#include <sstream>
#include <unistd.h>

namespace machinist {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool measurable = false;
#else
constexpr bool measurable = true;
#endif

long kilobytes(pid_t process, const std::string& field) {
    std::istringstream lines{text_of("/proc/" + std::to_string(process) + "/smaps_rollup")};
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(field + ":"))
            return std::stol(line.substr(field.size() + 1));
    return -1;
}

// A machine among others, to be counted.
class Kept : public AKeptMachine {
public:
    void start() {
        use_notify_socket();
        use_pty(KEEPER_CONSOLE_READ_ONLY);
        orders.flags = KEEPER_BOOTED;
        launch([this] {
            for (int line = 0; line < 200; ++line)
                (void)!::write(1, "[  OK  ] Reached target with a long name\n", 41);
            notify("X_SYSTEMD_UNIT_ACTIVE=multi-user.target");
            notify("READY=1\nSTATUS=Ready.");
            ::pause();
        });
        output_until("name");
        notify_file_with("READY=1");
    }
    void TestBody() override {}
    using AKeptMachine::supervisor;
};

TEST(AHundredKeptMachines, TakeLittleMemoryEach) {
    if (!measurable)
        GTEST_SKIP() << "an instrumented program is of another size";
    constexpr long count = 100;
    Kept machine;
    machine.start();

    // Not Private_Dirty: pages of a program file that has just been written count there until they are on disk.
    const long own = kilobytes(machine.supervisor, "Anonymous");
    const long resident = kilobytes(machine.supervisor, "Rss");
    // The rest is the program's file, of which each of them bears its share.
    const long proportional = own + (resident - own) / count;
    std::cout << "a supervisor among " << count << ": " << proportional << " kB of PSS, of them " << own
              << " kB its own\n";
    EXPECT_GT(own, 0);
    EXPECT_LE(proportional, 100);
}

} // namespace
} // namespace machinist
