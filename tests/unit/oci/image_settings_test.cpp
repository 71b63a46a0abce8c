// SPDX-License-Identifier: LGPL-2.1-or-later
#include "oci/image_settings.hpp"

#include "spec/settings_file.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace machinist::oci {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// As it is read beside the image, where it is not trusted.
SettingsFile read(const ImageConfig& config) {
    return parse_settings_file(settings_text(config), "web.nspawn", false);
}

} // namespace

TEST(TheSettingsOfAnImage, AreReadBackAsTheyWere) {
    ImageConfig config;
    config.entrypoint = {"/bin/sh", "-c"};
    config.command = {"echo \"$A\" '\\x41'\n", ""};
    config.environment = {"A=two words", "B=\"quoted\\\"", "PATH=/bin:/usr/bin"};
    config.user = "1000:100";
    config.working_directory = "/srv/data";
    config.stop_signal = "SIGQUIT";

    const SettingsFile file = read(config);

    EXPECT_THAT(file.problems, IsEmpty());
    EXPECT_THAT(file.warnings, IsEmpty());
    EXPECT_THAT(file.settings.start->parameters, ElementsAre("/bin/sh", "-c", "echo \"$A\" '\\x41'\n", ""));
    EXPECT_THAT(*file.settings.environment, ElementsAre("A=two words", "B=\"quoted\\\"", "PATH=/bin:/usr/bin"));
    EXPECT_EQ(file.settings.user, "1000:100");
    EXPECT_EQ(file.settings.working_directory, "/srv/data");
    EXPECT_EQ(file.settings.kill_signal, SIGQUIT);
    EXPECT_FALSE(file.settings.start->as_pid2.value_or(false));
}

TEST(TheSettingsOfAnImage, RunACommandBelowAnInit) {
    ImageConfig config;
    config.command = {"/bin/web"};

    EXPECT_EQ(read(config).settings.start->as_pid2, true);
}

TEST(TheSettingsOfAnImage, AreNotWaitedForToSayThatTheyAreReady) {
    ImageConfig config;
    config.command = {"/bin/web"};

    EXPECT_EQ(read(config).settings.notify_ready, false);
    config.stop_signal = "SIGTERM";
    EXPECT_EQ(read(config).settings.notify_ready, false);
}

TEST(TheSettingsOfAnImage, BecomeItsConfigurationAgain) {
    ImageConfig config;
    config.command = {"/bin/web", "--port=80"};
    config.environment = {"A=b"};
    config.user = "1000:100";
    config.working_directory = "/srv";
    config.stop_signal = "SIGQUIT";

    const ImageConfig again = config_of(read(config).settings);

    EXPECT_EQ(again.command, config.command);
    EXPECT_EQ(again.environment, config.environment);
    EXPECT_EQ(again.user, config.user);
    EXPECT_EQ(again.working_directory, config.working_directory);
    EXPECT_EQ(again.stop_signal, config.stop_signal);
    EXPECT_THAT(config_of({}).command, ElementsAre("/sbin/init"));
}

TEST(TheSettingsOfAnImage, BootAnInit) {
    ImageConfig config;
    config.command = {"/sbin/init", "--log-level=debug"};

    EXPECT_EQ(read(config).settings.start->boot, true);
    EXPECT_THAT(read(config).settings.start->parameters, ElementsAre("--log-level=debug"));
}

TEST(TheSettingsOfAnImage, SayNothingThatItsTextsSmuggleIn) {
    ImageConfig config;
    config.command = {"/bin/web\n[Files]\nBind=/:/host"};
    config.environment = {"A=b\nBind=/etc:/etc", "\nCapability=all", "=x", "A B=c", "\xff=\xfe"};
    config.user = "root\nBind=/";
    config.working_directory = "/a\nBind=/b";
    config.stop_signal = "SIGTERM\nBind=/";

    const SettingsFile file = read(config);

    EXPECT_FALSE(file.settings.extra_mounts);
    EXPECT_FALSE(file.settings.capabilities);
    EXPECT_THAT(file.warnings, IsEmpty());
    EXPECT_THAT(*file.settings.environment, ElementsAre("A=b\nBind=/etc:/etc"));
    EXPECT_FALSE(file.settings.user);
}

} // namespace machinist::oci
