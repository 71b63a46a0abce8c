// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"
#include "temporary_directory.hpp"
#include "transfer/fetch.hpp"
#include "watching.hpp"
#include "web_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

namespace machinist {
namespace {

using machinist::testing::TemporaryDirectory;
using machinist::testing::Watching;
using machinist::testing::WebServer;
using ::testing::HasSubstr;

// An authority of our own, and a server that it knows under the address of the loopback interface.
class AnHttpsServer : public ::testing::Test {
protected:
    void SetUp() override {
        if (run_program({"sh", "-c", "command -v openssl"}).status != 0)
            GTEST_SKIP() << "openssl is not installed";
        make_authority("authority");
        make_certificate("server", "authority", "127.0.0.1");
        secure.emplace(place.path() / "server.pem");
        secure->files.write("file", "contents");
        plain.files.write("file", "contents");
        ::setenv("SSL_CERT_FILE", (place.path() / "authority.crt").c_str(), 1);
    }
    void TearDown() override {
        ::unsetenv("SSL_CERT_FILE");
        ::unsetenv("SSL_CERT_DIR");
    }

    void make_authority(const std::string& name) const {
        openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                 "-subj", "/CN=" + name, "-keyout", file(name + ".key"), "-out", file(name + ".crt")});
    }
    void make_certificate(const std::string& name, const std::string& authority, const std::string& address,
                          const std::string& days = "2") const {
        place.write(name + ".ext", "subjectAltName=IP:" + address + "\n");
        openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=" + name,
                 "-keyout", file(name + ".key"), "-out", file(name + ".csr")});
        openssl({"x509", "-req", "-in", file(name + ".csr"), "-CA", file(authority + ".crt"), "-CAkey",
                 file(authority + ".key"), "-CAcreateserial", "-days", days, "-extfile", file(name + ".ext"), "-out",
                 file(name + ".crt")});
        place.write(name + ".pem", read_file(file(name + ".crt")) + read_file(file(name + ".key")));
    }
    std::string refusal(const std::string& url) {
        const UniqueFd into = open_path(place.path() / "out", O_RDWR | O_CREAT | O_TRUNC, 0600);
        try {
            fetch({.url = url, .most = 1 << 20, .patience = std::chrono::seconds{30}}, into, watching.meter);
        } catch (const Failure& failure) {
            return failure.what();
        }
        EXPECT_EQ(read_file(place.path() / "out"), "contents");
        return "";
    }
    [[nodiscard]] std::string file(const std::string& name) const {
        return (place.path() / name).string();
    }
    static void openssl(std::vector<std::string> words) {
        words.insert(words.begin(), "openssl");
        const auto result = run_program(words);
        ASSERT_EQ(result.status, 0) << result.output;
    }

    TemporaryDirectory place;
    std::optional<WebServer> secure;
    WebServer plain;
    Watching watching;
};

TEST_F(AnHttpsServer, IsBelievedByTheAuthorityThatTheCallerNames) {
    EXPECT_EQ(refusal(secure->url("plain", "file")), "");
    EXPECT_EQ(refusal(secure->url("redirect/2", "file")), "");
    EXPECT_EQ(refusal(secure->url("cut", "file")), "");
}

TEST_F(AnHttpsServer, IsBelievedByADirectoryOfAuthorities) {
    ::unsetenv("SSL_CERT_FILE");
    place.make_directory("authorities");
    std::filesystem::copy_file(file("authority.crt"), file("authorities/authority.crt"));
    openssl({"rehash", file("authorities")});
    // Who fetches is nobody, and reads it when it is needed.
    std::filesystem::permissions(place.path(), std::filesystem::perms{0755});
    ::setenv("SSL_CERT_DIR", file("authorities").c_str(), 1);

    EXPECT_EQ(refusal(secure->url("plain", "file")), "");
}

TEST_F(AnHttpsServer, IsNotBelievedByTheHostsAuthorities) {
    ::unsetenv("SSL_CERT_FILE");

    EXPECT_THAT(refusal(secure->url("plain", "file")), HasSubstr("certificate"));
}

TEST_F(AnHttpsServer, IsNotBelievedByAnotherAuthority) {
    make_authority("other");
    ::setenv("SSL_CERT_FILE", file("other.crt").c_str(), 1);

    EXPECT_THAT(refusal(secure->url("plain", "file")), HasSubstr("certificate"));
}

TEST_F(AnHttpsServer, IsNotBelievedUnderAnotherName) {
    make_certificate("elsewhere", "authority", "127.0.0.2");
    const WebServer elsewhere{place.path() / "elsewhere.pem"};
    elsewhere.files.write("file", "contents");

    EXPECT_NE(refusal(elsewhere.url("plain", "file")), "");
}

TEST_F(AnHttpsServer, IsNotBelievedLongerThanItsCertificateIsGood) {
    make_certificate("old", "authority", "127.0.0.1", "-1");
    const WebServer old{place.path() / "old.pem"};
    old.files.write("file", "contents");

    EXPECT_NE(refusal(old.url("plain", "file")), "");
}

TEST_F(AnHttpsServer, NeverSendsToOneInTheClear) {
    const std::string clear = plain.url("plain", "file");

    EXPECT_NE(refusal(secure->url("away", "file?") + clear), "");
    EXPECT_EQ(plain.log(), "");

    // The other way round makes it better.
    EXPECT_EQ(refusal(plain.url("away", "file?") + secure->url("plain", "file")), "");
    // And back again is as bad as before.
    EXPECT_NE(refusal(secure->url("away", "file?") + secure->url("away", "file?") + clear), "");
}

TEST_F(AnHttpsServer, IsNotAskedWithAuthoritiesThatCannotBeRead) {
    ::setenv("SSL_CERT_FILE", "/nonexistent", 1);

    EXPECT_THAT(refusal(secure->url("plain", "file")), HasSubstr("SSL_CERT_FILE"));
}

} // namespace
} // namespace machinist
