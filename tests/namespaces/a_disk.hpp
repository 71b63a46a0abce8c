// SPDX-License-Identifier: LGPL-2.1-or-later
// The fixture of machines that run from disk images: a tree to make them of, and no loop device left at the end.
#pragma once

#include "namespaces/disk_images.hpp"
#include "namespaces/host_audit.hpp"
#include "namespaces/machine.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <string>
#include <vector>

namespace machinist::test {

class ADisk : public ABootedMachine {
protected:
    void SetUp() override {
        ABootedMachine::SetUp();
        if (IsSkipped())
            return;
        for (const char* name : {"home", "srv", "var", "boot", "efi", "tmp"})
            tree.directory(name);
        tree.file("etc/name", "root");
    }
    void TearDown() override {
        ABootedMachine::TearDown();
        for (const Path& image : in_the_pool_)
            std::filesystem::remove(image);
        EXPECT_TRUE(eventually([&] { return loop_devices_of(tree.workplace().path()).empty(); }))
            << testing::PrintToString(loop_devices_of(tree.workplace().path()));
    }
    [[nodiscard]] Path place(const std::string& name) const {
        return tree.workplace().path() / name;
    }
    // Of an image that machines are found by; gone with the test, whatever happens in it.
    [[nodiscard]] Path place_in_the_pool(const std::string& name) {
        std::filesystem::create_directories("/run/machines");
        return in_the_pool_.emplace_back("/run/machines/" + name + ".raw");
    }
    [[nodiscard]] Path bare(const std::string& type, const std::string& size = "") const {
        const std::string needed = type == "xfs" ? "320M" : type == "btrfs" ? "128M" : "32M";
        return make_filesystem_file(tree.path(), type, place(type + ".raw"), size.empty() ? needed : size);
    }
    // A filesystem with nothing in it but a file "name" that holds its name.
    [[nodiscard]] Path filesystem_called(const std::string& name, const std::string& type = "ext4") const {
        const Path content = tree.workplace().directory("content-" + name);
        std::ofstream{content / "name"} << name;
        return make_filesystem_file(content, type, place(name + ".img"), "16M");
    }
    Start from(const Path& image, std::vector<std::string> options = {}) {
        options.insert(options.begin(), "--image=" + image.string());
        return {.options = std::move(options)};
    }
    Outcome refused(const Path& image, std::vector<std::string> options = {}) {
        Start given = from(image, std::move(options));
        given.command = {"/probe", "--ask", "pid"};
        Outcome outcome = outcome_of(given);
        EXPECT_EQ(outcome.status, 1) << outcome.output << outcome.errors;
        EXPECT_THAT(remnants_of(machine().name(), tree.workplace().path()), testing::IsEmpty());
        return outcome;
    }

private:
    std::vector<Path> in_the_pool_;
};

} // namespace machinist::test
