// SPDX-License-Identifier: LGPL-2.1-or-later
// The names of systemd's programs, chosen over the distribution's: by PATH, and by alternatives.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

namespace {

using testing::StartsWith;

constexpr const char* directory = "/usr/libexec/machinist/compat/bin";

class TheNamesOfOthers : public OnAHost {};

} // namespace

TEST_F(TheNamesOfOthers, AreChosenByThePath) {
    for (const std::string name : {"machinectl", "systemd-nspawn", "importctl"}) {
        const std::string found =
            output_of(std::string{"PATH="} + directory + ":$PATH; readlink -f $(command -v " + name + ")");

        EXPECT_EQ(found, "/usr/bin/machinist") << name;
        // Programs read the version of systemd in the first line.
        EXPECT_THAT(output_of(std::string{"PATH="} + directory + ":$PATH; " + name + " --version"),
                    StartsWith("systemd "))
            << name;
    }
    EXPECT_EQ(output_of(std::string{"PATH="} + directory +
                        ":$PATH; systemd-nspawn -q -x -D /var/lib/machines/web --pipe cat /run/host/container-manager"),
              "systemd-nspawn");
}

TEST_F(TheNamesOfOthers, AreChosenByAlternativesAndGivenBack) {
    const std::string genuine = output_of("machinectl --version | head -1");
    ASSERT_TRUE(holds("for name in machinectl systemd-nspawn; do dpkg-divert --quiet --local --rename --divert "
                      "/usr/bin/$name.systemd "
                      "--add /usr/bin/$name && update-alternatives --quiet --install /usr/bin/$name $name "
                      "/usr/bin/$name.systemd 50 && "
                      "update-alternatives --quiet --install /usr/bin/$name $name " +
                      std::string{directory} + "/$name 100 || exit; done"));

    EXPECT_EQ(output_of("readlink -f /usr/bin/machinectl"), "/usr/bin/machinist");
    EXPECT_EQ(output_of("machinectl list --no-legend"), "");
    EXPECT_EQ(output_of("systemd-nspawn -q -x -D /var/lib/machines/web --pipe cat /run/host/container-manager"),
              "systemd-nspawn");
    ASSERT_TRUE(holds("update-alternatives --quiet --set machinectl /usr/bin/machinectl.systemd"));
    EXPECT_EQ(output_of("machinectl --version | head -1"), genuine);

    EXPECT_TRUE(holds("for name in machinectl systemd-nspawn; do update-alternatives --quiet --remove-all $name; "
                      "dpkg-divert --quiet --local --rename --remove /usr/bin/$name || exit; done; "
                      "test -x /usr/bin/machinectl -a ! -h /usr/bin/machinectl"));
}

} // namespace machinist::test
