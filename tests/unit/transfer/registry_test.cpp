// SPDX-License-Identifier: LGPL-2.1-or-later
// Pulls from a registry on the loopback interface, which is told how to misbehave.
#include "transfer/registry.hpp"

#include "base/base64.hpp"
#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "unit/transfer/oci_image.hpp"

#include <csignal>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace machinist {
namespace {

using ::testing::AllOf;
using testing::digits_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::OciImage;
using testing::plain_layer;
using ::testing::StartsWith;
using testing::TarFile;
using testing::TemporaryDirectory;

class ARegistry : public ::testing::Test {
protected:
    ~ARegistry() override {
        input_.reset();
        if (server_ > 0)
            ::waitpid(server_, nullptr, 0);
    }

    void serve(std::vector<std::string> words) {
        int input[2];
        int output[2];
        ASSERT_EQ(::pipe2(input, O_CLOEXEC), 0);
        ASSERT_EQ(::pipe2(output, O_CLOEXEC), 0);
        words.insert(words.begin(), {"python3", REGISTRY_SERVER, place.path().string()});
        server_ = ::fork();
        if (server_ == 0) {
            ::dup2(input[0], 0);
            ::dup2(output[1], 1);
            std::vector<char*> arguments;
            for (std::string& word : words)
                arguments.push_back(word.data());
            arguments.push_back(nullptr);
            ::execvp(arguments[0], arguments.data());
            ::_exit(127);
        }
        ::close(input[0]);
        ::close(output[1]);
        input_ = UniqueFd{input[1]};
        const UniqueFd said{output[0]};
        char byte = 0;
        while (::read(said.get(), &byte, 1) == 1 && byte != '\n')
            port_ += byte;
        ASSERT_FALSE(port_.empty());
    }
    // As tag "1".
    void publish(const OciImage& image) {
        (void)image.write_blobs(place, ".");
        place.write("manifest", image.manifest());
    }
    void allow() {
        place.write("auth.json",
                    R"({"auths": {"127.0.0.1:)" + port_ + R"(": {"auth": ")" + base64("web:secret") + R"("}}})");
        options_.credentials = {place.path() / "auth.json"};
    }
    SourcedImage find(const std::string& version = ":1") {
        const auto reference = oci::Reference::parse("127.0.0.1:" + port_ + "/team/web" + version);
        options_.room = place.path() / "room";
        return image_in_registry(*reference, options_, meter_);
    }
    std::string fetched(const SourcedImage& image) {
        std::string all;
        for (const SourcedLayer& layer : image.layers)
            all += read_all(layer.open(meter_, "")) + "|";
        return all;
    }
    std::string refusal(const std::string& version = ":1") {
        try {
            (void)fetched(find(version));
            return "none";
        } catch (const Failure& failure) {
            return (failure.kind() == FailureKind::hostile ? "hostile: " : "") + std::string{failure.what()};
        }
    }
    [[nodiscard]] std::string log() const {
        return read_file(place.path() / "log");
    }

    static OciImage small() {
        return {.layers = {plain_layer(TarFile{}.directory("usr").file("usr/tool", std::string(100000, 'x'))),
                           plain_layer(TarFile{}.file("usr/other", "two"))}};
    }
    static std::string contents(const OciImage& image) {
        std::string all;
        for (const auto& layer : image.layers)
            all += layer.bytes + "|";
        return all;
    }

    TemporaryDirectory place;
    RegistryOptions options_{.credentials = {}, .patience = std::chrono::seconds{5}};

private:
    Cancellation cancellation_;
    ProgressMeter meter_{cancellation_, [](const TransferProgress&) {}, [](int, const std::string&) {}};
    pid_t server_ = 0;
    UniqueFd input_;
    std::string port_;
};

} // namespace

TEST_F(ARegistry, GivesAnImageByTagAndByDigest) {
    publish(small());
    serve({});

    EXPECT_EQ(fetched(find()), contents(small()));
    EXPECT_EQ(fetched(find("@sha256:" + digits_of(small().manifest()))), contents(small()));
}

TEST_F(ARegistry, GivesTheOneOfAListThatRunsHere) {
    OciImage other = small();
    other.architecture = "vax";
    const std::string list = R"({"schemaVersion": 2, "manifests": [)" + other.write_blobs(place, ".") + ", " +
                             small().write_blobs(place, ".") + "]}";
    place.write("manifest", list);
    serve({});

    EXPECT_EQ(fetched(find()), contents(small()));
}

TEST_F(ARegistry, IsShownATokenThatWasGivenForAPassword) {
    publish(small());
    serve({"token"});
    EXPECT_THAT(refusal(), HasSubstr("gives no right"));

    allow();
    EXPECT_EQ(fetched(find()), contents(small()));
    EXPECT_THAT(log(), HasSubstr("/token?service=test&scope=repository:team/web:pull"));
}

TEST_F(ARegistry, IsShownThePasswordIfItWantsThat) {
    publish(small());
    serve({"basic"});
    EXPECT_THAT(refusal(), HasSubstr("gives no right"));

    allow();
    EXPECT_EQ(fetched(find()), contents(small()));
}

TEST_F(ARegistry, IsNotFollowedToATokenServiceInTheClear) {
    publish(small());
    serve({"token", "outwards"});
    allow();

    EXPECT_THAT(refusal(), AllOf(StartsWith("hostile: "), HasSubstr("not https")));
}

TEST_F(ARegistry, MaySendElsewhereWithoutTheProof) {
    publish(small());
    serve({"basic", "redirect"});
    allow();

    EXPECT_EQ(fetched(find()), contents(small()));
    EXPECT_THAT(log(), AllOf(HasSubstr("/elsewhere/"), Not(::testing::ContainsRegex("/elsewhere/[^ ]* Basic"))));
}

TEST_F(ARegistry, IsAskedForTheRestOfWhatWasCutOff) {
    publish(small());
    serve({"short"});

    EXPECT_EQ(fetched(find()), contents(small()));
    EXPECT_THAT(log(), HasSubstr(" bytes="));
}

TEST_F(ARegistry, IsAskedAgainWhenItWasInTrouble) {
    publish(small());
    serve({"trouble"});

    EXPECT_EQ(fetched(find()), contents(small()));
}

TEST_F(ARegistry, IsNotBelievedWithoutTheDigest) {
    publish(small());
    serve({"wrong"});

    EXPECT_THAT(refusal(), StartsWith("hostile: "));
}

TEST_F(ARegistry, IsCutOffIfItSendsTooMuch) {
    publish(small());
    serve({"endless"});

    EXPECT_THAT(refusal(), AllOf(StartsWith("hostile: "), HasSubstr("more than")));
}

TEST_F(ARegistry, IsNotBelievedForAnotherManifestThanWasAskedFor) {
    publish(small());
    const std::string wanted = digits_of("something else");
    place.write("blobs/sha256/" + wanted, small().manifest());
    serve({});

    EXPECT_THAT(refusal("@sha256:" + wanted), AllOf(StartsWith("hostile: "), HasSubstr("not what its digest says")));
}

TEST_F(ARegistry, HasNotEveryImage) {
    serve({});

    EXPECT_THAT(refusal(), HasSubstr("404"));
}

TEST_F(ARegistry, IsRefusedADocumentThatIsTooLarge) {
    OciImage image = small();
    publish(image);
    place.write("manifest", R"({"schemaVersion": 2, "config": )" +
                                OciImage::descriptor("config.v1+json", digits_of("x"), std::size_t{1} << 40) +
                                R"(, "layers": []})");
    serve({});

    EXPECT_THAT(refusal(), StartsWith("hostile: "));
}

} // namespace machinist
