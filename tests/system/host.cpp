// SPDX-License-Identifier: LGPL-2.1-or-later
#include "system/host.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace machinist::test {

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::filesystem::path trees() {
    const std::string given = variable("MACHINIST_TEST_TREES");
    return given.empty() ? "/var/cache/machinist-tests/trees" : given;
}

bool has_tree(const std::string& name) {
    return std::filesystem::exists(trees() / name / "usr");
}

std::string text_of(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream{file}.rdbuf();
    return text.str();
}

Outcome shell(const std::string& command, const std::vector<std::string>& arguments = {}) {
    std::vector<std::string> all{"-c", command, "sh"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run("/bin/sh", all, {}, 120s);
}

// What `meson install` puts on a host; $MACHINIST_TEST_INSTALLED_sid and the like for one that was built elsewhere.
std::string installed(const std::filesystem::path& work) {
    const std::string given = variable(("MACHINIST_TEST_INSTALLED_" + Host::release()).c_str());
    if (!given.empty())
        return given;
    const std::filesystem::path directory = work / "installed";
    const Outcome outcome = shell("DESTDIR=$1 exec meson install -C $2 --no-rebuild --quiet", {directory, BUILD_ROOT});
    if (outcome.status != 0)
        throw std::runtime_error{"install the build: " + outcome.output + outcome.errors};
    return directory;
}

pid_t only_child_of(pid_t pid) {
    const std::string number = std::to_string(pid);
    return std::atoi(text_of("/proc/" + number + "/task/" + number + "/children").c_str());
}

} // namespace

std::string Host::release() {
    const std::string given = variable("MACHINIST_TEST_HOST");
    return given.empty() ? "bookworm" : given;
}

std::string Host::why_not() {
    if (::geteuid() != 0)
        return "needs root";
    if (!has_tree("host-" + release()) || !has_tree(release()))
        return "needs the Debian trees host-" + release() + " and " + release() + "; tests/run makes them";
    return {};
}

std::filesystem::path Host::new_work_directory() {
    char name[] = "/tmp/machinist-system.XXXXXX";
    if (!::mkdtemp(name))
        throw std::runtime_error{"make a directory in /tmp"};
    return name;
}

// By another constructor, so that a host that does not come up is destroyed, too.
Host::Host() : Host(new_work_directory()) {
    std::vector<std::string> arguments{trees() / ("host-" + release()), installed(work_), work_,
                                       "web=" + (trees() / release()).string()};
    if (std::filesystem::exists(trees() / "busybox/usr"))
        arguments.push_back("busy=" + (trees() / "busybox").string());
    program_ = std::make_unique<Program>(HOST_PROGRAM, arguments);
    const auto is_up = [&] {
        init_ = only_child_of(program_->pid());
        return init_ > 0 && enter("systemctl is-system-running --wait").status == 0;
    };
    if (!eventually(is_up, 90s))
        throw std::runtime_error{"boot a host of " + release() + ":\n" + program_->errors() + console() +
                                 enter("systemctl --failed; journalctl -b --no-pager | tail -50").output};
}

Host::~Host() {
    program_.reset();
    // What it had mounted is gone when its last process is.
    (void)shell("read -r group <\"$1/cgroup\" && echo 1 >\"$group/cgroup.kill\" && "
                "for try in $(seq 100); do grep -q 'populated 0' \"$group/cgroup.events\" && break; sleep 0.1; done; "
                "find \"$group\" -depth -type d -exec rmdir {} +; rm -rf --one-file-system \"$1\"",
                {work_});
}

std::string Host::console() const {
    return text_of(work_ / "console");
}

std::vector<std::string> Host::entering() const {
    return {"-t", std::to_string(init_), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--"};
}

Outcome Host::enter(const std::string& command, milliseconds patience) const {
    std::vector<std::string> arguments = entering();
    for (const char* word : {"/bin/bash", "-c"})
        arguments.emplace_back(word);
    arguments.push_back(command);
    return run("/usr/bin/nsenter", arguments, {}, patience);
}

Outcome Host::sh(const std::string& command, milliseconds patience, const std::string& user) {
    std::vector<std::string> arguments = entering();
    for (const char* word : {"/usr/bin/systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--service-type=exec"})
        arguments.emplace_back(word);
    if (!user.empty())
        arguments.push_back("--uid=" + user);
    for (const std::string& word : {std::string{"--"}, std::string{"/bin/bash"}, std::string{"-c"}, command})
        arguments.push_back(word);
    return run("/usr/bin/nsenter", arguments, {}, patience);
}

void OnAHost::SetUp() {
    if (const std::string reason = Host::why_not(); !reason.empty())
        GTEST_SKIP() << reason;
    (void)host();
}

void OnAHost::TearDown() {
    if (!Host::why_not().empty())
        return;
    (void)sh("systemctl disable --quiet machinist@web; systemctl kill --signal=KILL 'machinist@*' 'machine-*.scope' "
             "'runs-*'; "
             "systemctl stop machines.target 'machinist@*' 'machine-*.scope' 'runs-*'; systemctl reset-failed; "
             "rm -rf /etc/systemd/nspawn /etc/systemd/system/machinist@web.service.d; systemctl daemon-reload");
}

Host& OnAHost::host() {
    static Host booted;
    return booted;
}

std::string OnAHost::output_of(const std::string& command, milliseconds patience) {
    Outcome outcome = sh(command, patience);
    EXPECT_EQ(outcome.status, 0) << command << "\n" << outcome.output << outcome.errors;
    while (outcome.output.ends_with('\n'))
        outcome.output.pop_back();
    return outcome.output;
}

int OnAHost::systemd_version() {
    static const int version =
        std::atoi(output_of("systemctl --version | sed -n 's/^systemd \\([0-9]*\\).*/\\1/p'").c_str());
    return version;
}

namespace {

constexpr const char* begin_to_provide =
    "systemctl enable --quiet machinistd && systemctl stop systemd-machined && systemctl restart machinistd";
constexpr const char* cease_to_provide = "systemctl disable --quiet machinistd; systemctl stop machinistd";

} // namespace

void WithOurProvider::SetUp() {
    OnAHost::SetUp();
    if (!IsSkipped()) {
        ASSERT_TRUE(holds(begin_to_provide));
    }
}

void WithOurProvider::TearDown() {
    OnAHost::TearDown();
    if (Host::why_not().empty())
        (void)sh(cease_to_provide);
}

bool WithEachProvider::is_ours() {
    return std::string{GetParam()} == "machinistd";
}

void WithEachProvider::SetUp() {
    OnAHost::SetUp();
    if (!IsSkipped() && is_ours()) {
        ASSERT_TRUE(holds(begin_to_provide));
    }
}

void WithEachProvider::TearDown() {
    OnAHost::TearDown();
    if (Host::why_not().empty() && is_ours())
        (void)sh(cease_to_provide);
}

} // namespace machinist::test
