// SPDX-License-Identifier: LGPL-2.1-or-later
// What a provider may answer, good and bad, over a real socket.
#include "cli/control/storage_provider.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/sockets.hpp"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace machinist;
using ::testing::HasSubstr;

class AStorageProvider : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = ::testing::TempDir() + "machinist-provider-XXXXXX";
        directory = ::mkdtemp(pattern.data());
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = directory / "fs";
        ASSERT_LT(path.size(), sizeof address.sun_path);
        std::memcpy(address.sun_path, path.data(), path.size());
        const void* any = &address;
        listener = UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        ASSERT_EQ(::bind(listener.get(), static_cast<const sockaddr*>(any), sizeof address), 0);
        ASSERT_EQ(::listen(listener.get(), 1), 0);
    }
    void TearDown() override {
        if (provider.joinable())
            provider.join();
        std::filesystem::remove_all(directory);
    }
    // One call is answered by these parts, the descriptors with the first.
    void answer_with(std::vector<std::string> parts, std::vector<int> descriptors = {}) {
        provider = std::thread{[this, parts = std::move(parts), descriptors = std::move(descriptors)] {
            const UniqueFd caller{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
            asked.clear();
            while (!asked.ends_with('\0')) {
                const ReceivedMessage part = receive_message(caller);
                if (part.end)
                    return;
                asked += part.bytes;
            }
            for (const std::string& part : parts)
                send_message(caller, part, &part == &parts.front() ? descriptors : std::vector<int>{});
        }};
    }
    [[nodiscard]] Volume acquire(const VolumeWish& wish = {.provider = "fs", .volume = "data"}) const {
        return acquire_volume(wish, false, directory.string());
    }
    FailureKind failure() {
        try {
            (void)acquire();
        } catch (const Failure& failure) {
            said = failure.what();
            return failure.kind();
        }
        ADD_FAILURE() << "it was taken";
        return FailureKind::internal;
    }
    static std::string message(std::string text) {
        text.push_back('\0');
        return text;
    }

    std::filesystem::path directory;
    UniqueFd listener;
    std::thread provider;
    std::string asked;
    std::string said;
};

TEST_F(AStorageProvider, IsAskedAndGivesWhatItSays) {
    const UniqueFd given = open_path(directory, O_PATH | O_DIRECTORY);
    answer_with({R"({"parameters":{"fileDescriptorIndex":0,"type":"dir",)",
                 message(R"("readOnly":true,"baseUID":2147352576,"baseGID":7}})")},
                {given.get()});

    const Volume volume = acquire(
        {.provider = "fs", .volume = "data", .create = "open", .request_as = "dir", .read_only = true, .size = 5});
    provider.join();

    EXPECT_EQ(asked, message(R"({"method":"io.systemd.StorageProvider.Acquire","parameters":{"createMode":"open",)"
                             R"("createSizeBytes":5,"name":"data","readOnly":true,"requestAs":"dir"}})"));
    EXPECT_EQ(volume.type, "dir");
    EXPECT_TRUE(volume.read_only);
    EXPECT_EQ(volume.base_uid, 2147352576U);
    EXPECT_EQ(volume.base_gid, 7U);
    EXPECT_EQ(status_of(volume.descriptor).st_ino, status_of(given).st_ino);
}

TEST_F(AStorageProvider, RefusesInWords) {
    answer_with({message(R"({"error":"io.systemd.StorageProvider.NoSuchVolume"})")});
    EXPECT_EQ(failure(), FailureKind::not_found);
    EXPECT_THAT(said, HasSubstr("volume 'fs:data': there is no such volume"));
    provider.join();

    answer_with({message("{\"error\":\"org.example.\\u001b[31mOdd\"}")});
    EXPECT_EQ(failure(), FailureKind::system);
    EXPECT_THAT(said, HasSubstr("the provider answers org.example.\\x1b[31mOdd"));
}

TEST_F(AStorageProvider, ThatIsNotThereIsNamed) {
    std::filesystem::remove(directory / "fs");

    EXPECT_EQ(failure(), FailureKind::not_found);
    EXPECT_THAT(said, HasSubstr("no such storage provider"));
}

TEST_F(AStorageProvider, IsNotBelievedWhatCannotBe) {
    const UniqueFd given = open_path(directory, O_PATH | O_DIRECTORY);
    for (const char* parameters :
         {R"({"fileDescriptorIndex":0,"type":"reg","readOnly":false})",
          R"({"fileDescriptorIndex":0,"type":"tape","readOnly":false})", R"({"fileDescriptorIndex":0,"type":"dir"})",
          R"({"fileDescriptorIndex":1,"type":"dir","readOnly":false})",
          R"({"fileDescriptorIndex":-1,"type":"dir","readOnly":false})",
          R"({"fileDescriptorIndex":0,"type":"dir","readOnly":false,"baseUID":4294967295})",
          R"({"fileDescriptorIndex":0,"type":"dir","readOnly":false,"baseGID":"0"})", "[]", "7"}) {
        answer_with({message(std::string{R"({"parameters":)"} + parameters + "}")}, {given.get()});
        EXPECT_EQ(failure(), FailureKind::hostile) << parameters;
        provider.join();
    }
    answer_with({message("nonsense")});
    EXPECT_EQ(failure(), FailureKind::hostile);
}

TEST_F(AStorageProvider, MayEndWithoutAnAnswer) {
    answer_with({"{\"parameters\":"});

    EXPECT_EQ(failure(), FailureKind::system);
    EXPECT_THAT(said, HasSubstr("it does not answer"));
}
