// SPDX-License-Identifier: LGPL-2.1-or-later
// A Debian whose PID 1 is systemd, with this build installed, and commands run in it. One for each test program.
#pragma once

#include "namespaces/program.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace machinist::test {

class Host {
public:
    // Its release is $MACHINIST_TEST_HOST: bookworm, trixie, sid. Throws with its console if it does not boot.
    Host();
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host();

    // A command line for bash in a service of the host; user: by that user, without a session.
    [[nodiscard]] Outcome sh(const std::string& command, milliseconds patience = 60s, const std::string& user = {});
    // Without systemd's help: for when it is the one that is restarted.
    [[nodiscard]] Outcome enter(const std::string& command, milliseconds patience = 60s) const;
    [[nodiscard]] std::string console() const;

    static std::string release();
    // Nothing if it can be booted here.
    static std::string why_not();

private:
    explicit Host(std::filesystem::path work) : work_(std::move(work)) {}
    static std::filesystem::path new_work_directory();
    [[nodiscard]] std::vector<std::string> entering() const;

    std::filesystem::path work_;
    std::unique_ptr<Program> program_;
    pid_t init_ = 0;
};

class OnAHost : public testing::Test {
protected:
    void SetUp() override;
    // Ends what the test has started; a machine that goes on would be in the next one's way.
    void TearDown() override;

    static Host& host();
    static Outcome sh(const std::string& command, milliseconds patience = 60s) {
        return host().sh(command, patience);
    }
    static Outcome as(const std::string& user, const std::string& command) {
        return host().sh(command, 60s, user);
    }
    // Its output without the last line end; the test has failed if its status is not 0.
    static std::string output_of(const std::string& command, milliseconds patience = 60s);
    static bool holds(const std::string& command) {
        return sh(command).status == 0;
    }
    // Major version of the host's systemd.
    static int systemd_version();
};

// With machinistd as the provider of org.freedesktop.machine1.
class WithOurProvider : public OnAHost {
protected:
    void SetUp() override;
    void TearDown() override;
};

// With systemd-machined ("machined") and with ours ("machinistd") as the provider of org.freedesktop.machine1.
class WithEachProvider : public OnAHost, public testing::WithParamInterface<const char*> {
protected:
    void SetUp() override;
    void TearDown() override;

    static bool is_ours();
};

} // namespace machinist::test
