// SPDX-License-Identifier: LGPL-2.1-or-later
// Machines that users without rights start on directories of their own, as far as no machine has to be there.
#include "service.hpp"

#include <fcntl.h>
#include <filesystem>
#include <gmock/gmock.h>
#include <memory>
#include <unistd.h>

namespace machinist::testing {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr const char* our_manager = "io.machinist.Manager1";
constexpr const char* job_interface = "io.machinist.Job1";
constexpr const char* action = "io.machinist.start-own-machine";
constexpr const char* denied = "org.freedesktop.DBus.Error.AccessDenied";
constexpr const char* invalid = "org.freedesktop.DBus.Error.InvalidArgs";

SharedFd shared(int descriptor) {
    return std::make_shared<const UniqueFd>(descriptor);
}

class AMachineOfOnesOwn : public AService {
protected:
    void SetUp() override {
        polkit.allowed = {action};
    }
    Outcome start(const std::string& name, const NamedValues& options = {}, const std::vector<SharedFd>& streams = {},
                  const std::string& directory = "/nowhere/at/all") {
        return call_at(somebody_else(), manager_path, our_manager, "StartOwnMachine",
                       filling(name, directory, options, streams));
    }
    std::string text_of(const ObjectPath& job, const char* name) {
        return std::get<std::string>(property(job.text, job_interface, name).take<Variant>());
    }
};

} // namespace

TEST_F(AMachineOfOnesOwn, IsAskedAboutByARightOfItsOwn) {
    polkit.allowed = {"io.machinist.start-machine"};

    EXPECT_EQ(start("web").error, denied);

    ASSERT_EQ(polkit.asked.size(), 1U);
    EXPECT_EQ(polkit.asked[0].action, action);
    EXPECT_THAT(polkit.asked[0].details, UnorderedElementsAre(Pair("machine", "web"), Pair("verb", "start"),
                                                              Pair("directory", "/nowhere/at/all")));
}

TEST_F(AMachineOfOnesOwn, TellsItsCallerWhyItDoesNotStart) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd reader{ends[0]};
    const SharedFd nothing = shared(::open("/dev/null", O_RDWR | O_CLOEXEC));

    const auto job = start("web", {{"boot", true}}, {nothing, nothing, shared(ends[1])}).take<ObjectPath>();

    EXPECT_EQ(text_of(job, "Kind"), "run");
    EXPECT_EQ(text_of(job, "Machine"), "web");
    EXPECT_TRUE(until([&] { return text_of(job, "State") == "done"; }));
    EXPECT_EQ(std::get<std::int32_t>(property(job.text, job_interface, "ExitStatus").take<Variant>()), 1);
    char said[4096];
    const ssize_t size = ::read(reader.get(), said, sizeof said);
    EXPECT_THAT(std::string(said, static_cast<std::size_t>(size > 0 ? size : 0)),
                HasSubstr("open tree '/nowhere/at/all'"));
}

TEST_F(AMachineOfOnesOwn, GetsNothingThatOnlyAdministratorsMayGive) {
    const std::vector<std::pair<std::string, Variant>> options{
        {"bind", std::string{"/etc:/etc"}},        {"overlay", std::string{"/a:/b:/c"}},
        {"port", std::string{"tcp:8080:80"}},      {"network-zone", std::string{"office"}},
        {"network-bridge", std::string{"br0"}},    {"network-interface", std::string{"eth0"}},
        {"capability", std::string{"all"}},        {"nesting", true},
        {"device", std::string{"/dev/sda"}},       {"load-credential", std::string{"a:/etc/shadow"}},
        {"link-journal", std::string{"host"}},     {"private-users", std::string{"no"}},
        {"directory", std::string{"/"}},           {"image", std::string{"/dev/sda"}},
        {"template", std::string{"/root"}},        {"settings", std::string{"trusted"}},
        {"slice", std::string{"system.slice"}},    {"property", std::string{"TasksMax=infinity"}},
        {"rlimit", std::string{"NPROC=infinity"}}, {"bind-user", std::string{"root"}},
        {"MemoryMax", std::string{"infinity"}},    {"Bind", std::string{"/etc"}},
        {"system-call-filter", std::string{"bpf"}}};
    for (const auto& [name, value] : options) {
        const Outcome outcome = start("web", {{name, value}});

        EXPECT_EQ(outcome.error, denied) << name;
        EXPECT_THAT(outcome.sentence, AllOf(HasSubstr("'" + name + "'"), HasSubstr("administrators"))) << name;
    }
    EXPECT_THAT(polkit.asked, IsEmpty());
}

TEST_F(AMachineOfOnesOwn, IsStartedForNobodyElse) {
    for (const char* name : {"managed-by", "machine", "keep-unit", "register", "console", "key"})
        EXPECT_EQ(start("web", {{name, std::string{"0"}}}).error, invalid) << name;
}

TEST_F(AMachineOfOnesOwn, RefusesWhatHasNoMeaning) {
    EXPECT_EQ(start("..").error, invalid);
    EXPECT_EQ(start("web", {}, {}, "tree").error, invalid);
    EXPECT_EQ(start("web", {{"setenv", std::string{"PATH"}}}).error, invalid);
    EXPECT_EQ(start("web", {{"hostname", std::string{"a/b"}}}).error, invalid);
    EXPECT_EQ(start("web", {{"boot", std::uint32_t{1}}}).error, invalid);
}

TEST_F(AMachineOfOnesOwn, TakesNoFilesOfTheKernelForItsStreams) {
    for (const char* path : {"/proc/self/oom_score_adj", "/sys/kernel/mm/transparent_hugepage/enabled", "/"}) {
        const SharedFd stream = shared(::open(path, O_RDONLY | O_CLOEXEC));
        if (*stream) {
            EXPECT_EQ(start("web", {}, {stream}).error, invalid) << path;
        }
    }
}

TEST_F(AMachineOfOnesOwn, IsNotRoots) {
    EXPECT_EQ(call_at(*root, manager_path, our_manager, "StartOwnMachine",
                      filling(std::string{"web"}, std::string{"/tree"}, NamedValues{}, std::vector<SharedFd>{}))
                  .error,
              "org.freedesktop.DBus.Error.NotSupported");
}

TEST_F(AMachineOfOnesOwn, DoesNotTakeTheNameOfAnother) {
    const Leader leader;
    (void)register_machine("taken", leader.number());
    std::filesystem::create_directories(pool() / "image/usr");

    EXPECT_EQ(start("taken").error, "org.freedesktop.machine1.MachineExists");
    EXPECT_EQ(start("image").error, "org.freedesktop.machine1.MachineExists");
}

TEST_F(AMachineOfOnesOwn, IsOneOfAsManyAsTheAdministratorAllows) {
    kill_daemon(SIGTERM);
    start_daemon({"--machines-per-user=0"});

    const Outcome outcome = start("web");

    EXPECT_EQ(outcome.error, "org.freedesktop.DBus.Error.LimitsExceeded");
    EXPECT_THAT(outcome.sentence, HasSubstr("has 0 machines already"));
}

} // namespace machinist::testing
