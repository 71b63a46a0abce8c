// SPDX-License-Identifier: LGPL-2.1-or-later
// What needs the controllers of cgroup v2, in a virtual machine with a kernel of the distribution.
#include "base/base64.hpp"
#include "namespaces/program.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace machinist::test {

using testing::HasSubstr;

namespace {

std::filesystem::path trees() {
    const char* given = std::getenv("MACHINIST_TEST_TREES");
    return given ? given : "/var/cache/machinist-tests/trees";
}

std::string why_not() {
    if (::geteuid() != 0)
        return "needs root";
    if (!std::filesystem::exists(trees() / "vm-bookworm.ready") || !std::filesystem::exists(trees() / "bookworm.ready"))
        return "needs the Debian trees vm-bookworm and bookworm; tests/run makes them";
    if (!std::filesystem::exists("/usr/bin/qemu-system-x86_64"))
        return "needs qemu-system-x86";
    return {};
}

class VirtualMachine {
public:
    VirtualMachine() {
        char name[] = "/var/tmp/machinist-vm.XXXXXX";
        if (!::mkdtemp(name))
            throw std::runtime_error{"make a directory in /var/tmp"};
        work_ = name;
        const Outcome installed = run("/bin/sh", {"-c", "DESTDIR=$1 exec meson install -C $2 --no-rebuild --quiet",
                                                  "sh", work_ / "installed", BUILD_ROOT});
        if (installed.status != 0)
            throw std::runtime_error{"install the build: " + installed.output + installed.errors};
        ProgramOptions options;
        options.dialogue = true;
        program_ = std::make_unique<Program>(BOOT_PROGRAM,
                                             std::vector<std::string>{trees() / "vm-bookworm", work_ / "installed",
                                                                      work_, "web=" + (trees() / "bookworm").string()},
                                             options);
        if (program_->line(600s) != "up")
            throw std::runtime_error{"boot a virtual machine: " + program_->errors() + console()};
    }
    VirtualMachine(const VirtualMachine&) = delete;
    VirtualMachine& operator=(const VirtualMachine&) = delete;
    ~VirtualMachine() {
        program_.reset();
        std::filesystem::remove_all(work_);
    }

    // Output and errors are one.
    Outcome sh(const std::string& command) {
        program_->say(base64(command) + "\n");
        const std::string answer = program_->line(300s).value_or("-1 ");
        const std::size_t blank = answer.find(' ');
        return {.status = std::atoi(answer.c_str()),
                .output = from_base64(std::string_view{answer}.substr(blank + 1)).value_or(""),
                .errors = {}};
    }

private:
    [[nodiscard]] std::string console() const {
        std::ostringstream text;
        text << std::ifstream{work_ / "console"}.rdbuf();
        return text.str();
    }

    std::filesystem::path work_;
    std::unique_ptr<Program> program_;
};

} // namespace

class ALimit : public testing::Test {
protected:
    void SetUp() override {
        if (const std::string reason = why_not(); !reason.empty())
            GTEST_SKIP() << reason;
        const Outcome started =
            sh("systemctl start machinist@web || { systemctl status --no-pager machinist@web; false; }");
        ASSERT_EQ(started.status, 0) << started.output;
    }
    static VirtualMachine& vm() {
        static VirtualMachine booted;
        return booted;
    }
    static Outcome sh(const std::string& command) {
        return vm().sh(command);
    }
    static std::string output_of(const std::string& command) {
        Outcome outcome = sh(command);
        EXPECT_EQ(outcome.status, 0) << command << "\n" << outcome.output;
        while (outcome.output.ends_with('\n'))
            outcome.output.pop_back();
        return outcome.output;
    }
    static constexpr const char* group = "/sys/fs/cgroup/machine.slice/machinist@web.service";
};

TEST_F(ALimit, OfMemoryOnTheUnitKillsInsideTheMachineOnly) {
    ASSERT_EQ(sh("systemctl set-property --runtime machinist@web MemoryMax=200M MemorySwapMax=0").status, 0);

    EXPECT_NE(sh("machinist exec web -- /bin/sh -c 'head -c 400M /dev/zero | tail -c 400M >/dev/null && test ! -e /x'; "
                 "grep -q 'oom_kill 0' " +
                 std::string{group} + "/memory.events")
                  .status,
              0);

    EXPECT_EQ(output_of("systemctl is-active machinist@web"), "active");
    EXPECT_EQ(output_of("machinist exec web -- /bin/echo alive"), "alive");
    EXPECT_EQ(sh("systemctl set-property --runtime machinist@web MemoryMax=infinity").status, 0);
}

TEST_F(ALimit, OfTasksOnTheUnitStopsForksInTheMachineOnly) {
    ASSERT_EQ(sh("systemctl set-property --runtime machinist@web TasksMax=80").status, 0);

    const std::string forks = "perl -e 'for (1 .. 200) { my $child = fork; die \"no more: $!\" unless defined $child; "
                              "unless ($child) { sleep 3; exit } }'";
    EXPECT_THAT(sh("machinist exec web -- /usr/bin/" + forks).output,
                HasSubstr("no more: Resource temporarily unavailable"));

    EXPECT_EQ(sh(forks).status, 0);
    EXPECT_EQ(sh("systemctl set-property --runtime machinist@web TasksMax=16384").status, 0);
}

TEST_F(ALimit, OfProcessorsIsHandedToTheUnitAndControllersToTheMachine) {
    ASSERT_EQ(sh("systemctl set-property --runtime machinist@web CPUWeight=50 CPUQuota=30%").status, 0);

    EXPECT_EQ(output_of("cat " + std::string{group} + "/cpu.weight"), "50");
    EXPECT_EQ(output_of("cut -d ' ' -f 1 " + std::string{group} + "/cpu.max"), "30000");
    EXPECT_THAT(output_of("machinist exec web -- /bin/cat /sys/fs/cgroup/cgroup.controllers"),
                HasSubstr("memory pids"));
    EXPECT_EQ(sh("systemctl set-property --runtime machinist@web CPUQuota=").status, 0);
}

TEST_F(ALimit, OfTimeFreezesTheWholeMachine) {
    ASSERT_EQ(sh("systemctl freeze machinist@web").status, 0);
    EXPECT_EQ(output_of("grep frozen " + std::string{group} + "/payload/cgroup.events"), "frozen 1");

    EXPECT_EQ(sh("systemctl thaw machinist@web").status, 0);

    EXPECT_EQ(output_of("machinist exec web -- /bin/echo alive"), "alive");
}

TEST_F(ALimit, OfDevicesOpensWhatIsListedOnly) {
    const auto reading_the_disk = [](const std::string& options) {
        return sh("SYSTEMD_NSPAWN_LOCK=0 machinist run -q -x --private-users=no -D /var/lib/machines/web "
                  "--bind=/dev:/dev/host --pipe " +
                  options + " /bin/sh -c 'head -c 1 /dev/host/vda | wc -c'");
    };

    EXPECT_THAT(reading_the_disk("").output, HasSubstr("Operation not permitted"));
    EXPECT_EQ(reading_the_disk("--property='DeviceAllow=/dev/vda r'").output, "1\n");
}

} // namespace machinist::test
