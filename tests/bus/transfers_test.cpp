// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service.hpp"

#include "kernel/files.hpp"
#include "unit/transfer/tar_file.hpp"

#include <csignal>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist::testing {

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* import_path = "/org/freedesktop/import1";
constexpr const char* import_interface = "org.freedesktop.import1.Manager";
constexpr const char* transfer_interface = "org.freedesktop.import1.Transfer";
constexpr const char* invalid = "org.freedesktop.DBus.Error.InvalidArgs";

using Row = std::tuple<std::uint32_t, std::string, std::string, std::string, double, ObjectPath>;
using ImageRow = std::tuple<std::string, std::string, std::string, std::string, bool, std::uint64_t, std::uint64_t,
                            std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>;

UniqueFd file_with(const std::string& bytes) {
    UniqueFd file{::memfd_create("bytes", MFD_CLOEXEC)};
    write_all(file, bytes);
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
}

std::string an_archive(const std::string& text = "hello") {
    TarFile archive;
    return archive.directory("./").directory("./usr").file("./etc/motd", text).end().bytes();
}

} // namespace

class TheTransfers : public AService {
protected:
    void SetUp() override {
        removed = root->match("type='signal',interface='org.freedesktop.import1.Manager',member='TransferRemoved'",
                              [this](sd_bus_message* message) {
                                  const auto id = wire::get<std::uint32_t>(message);
                                  (void)wire::get<ObjectPath>(message);
                                  results[id] = wire::get<std::string>(message);
                              });
        said = root->match("type='signal',interface='org.freedesktop.import1.Transfer',member='LogMessage'",
                           [this](sd_bus_message* message) {
                               (void)wire::get<std::uint32_t>(message);
                               messages.push_back(wire::get<std::string>(message));
                           });
    }
    template <typename... T>
    Outcome import1(const char* member, const T&... values) {
        return call_at(*root, import_path, import_interface, member, filling(values...));
    }
    Outcome import_tar(BorrowedFd file, const std::string& name, bool force = false, bool read_only = false) {
        return import1("ImportTar", file, name, force, read_only);
    }
    // "done", "failed", "canceled" or "never".
    std::string result_of(const Outcome& begun) {
        const auto id = begun.take<std::uint32_t>();
        (void)until([&] { return results.contains(id); }, 20'000);
        return results.contains(id) ? results[id] : "never";
    }
    [[nodiscard]] std::string text(const std::string& name) const {
        return read_file_if_exists(pool() / name).value_or("-");
    }
    [[nodiscard]] std::vector<std::string> images() const {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator{pool()})
            found.push_back(entry.path().filename());
        return found;
    }

    std::map<std::uint32_t, std::string> results;
    std::vector<std::string> messages;
    BusSlot removed;
    BusSlot said;
};

TEST_F(TheTransfers, MakeAnImageOfAnArchive) {
    const UniqueFd file = file_with(an_archive());

    EXPECT_EQ(result_of(import_tar(file, "web")), "done");

    EXPECT_EQ(text("web/etc/motd"), "hello");
    EXPECT_THAT(images(), ElementsAre("web"));
    EXPECT_THAT(messages, Contains(HasSubstr("Imported image 'web'")));
    EXPECT_THAT(import1("ListTransfers").take<std::vector<Row>>(), IsEmpty());
}

TEST_F(TheTransfers, MakeAnImageOfADiskAndOfADirectory) {
    const UniqueFd disk = file_with(std::string(8192, 'x'));
    const UniqueFd directory = open_path(bus.directory() / "run", O_RDONLY | O_DIRECTORY);
    write_atomically(bus.directory() / "run/motd", "hello", 0644);

    EXPECT_EQ(result_of(import1("ImportRawEx", BorrowedFd{disk}, std::string{"disk"}, std::string{"machine"},
                                std::uint64_t{2})),
              "done");
    EXPECT_EQ(result_of(import1("ImportFileSystem", BorrowedFd{directory}, std::string{"tree"}, false, false)), "done");

    EXPECT_EQ(text("disk.raw").size(), 8192U);
    EXPECT_EQ(text("tree/motd"), "hello");
    const auto rows = import1("ListImages", std::string{"machine"}, std::uint64_t{0}).take<std::vector<ImageRow>>();
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(std::get<1>(rows[0]), "disk");
    EXPECT_EQ(std::get<2>(rows[0]), "raw");
    EXPECT_TRUE(std::get<4>(rows[0]));
}

TEST_F(TheTransfers, BringImagesOfOtherClassesToTheirPlaces) {
    const UniqueFd file = file_with(an_archive());

    EXPECT_EQ(result_of(import1("ImportTarEx", BorrowedFd{file}, std::string{"tools"}, std::string{"sysext"},
                                std::uint64_t{0})),
              "done");

    EXPECT_TRUE(std::filesystem::exists(bus.directory() / "var/extensions/tools/etc/motd"));
    EXPECT_THAT(images(), IsEmpty());
}

TEST_F(TheTransfers, WriteAnImageToAFile) {
    const UniqueFd file = file_with(an_archive());
    ASSERT_EQ(result_of(import_tar(file, "web")), "done");
    const UniqueFd out = open_path(bus.directory() / "web.tar.gz", O_RDWR | O_CREAT, 0600);

    EXPECT_EQ(result_of(import1("ExportTar", std::string{"web"}, BorrowedFd{out}, std::string{"gzip"})), "done");

    EXPECT_THAT(read_file(bus.directory() / "web.tar.gz"), ::testing::StartsWith("\x1f\x8b"));
}

TEST_F(TheTransfers, ThatFailLeaveNothingAndSayWhy) {
    TarFile hostile;
    const UniqueFd file = file_with(hostile.file("usr/a", "x").file("../out", "x").end().bytes());

    EXPECT_EQ(result_of(import_tar(file, "web")), "failed");

    EXPECT_THAT(images(), IsEmpty());
    EXPECT_THAT(messages, Contains(HasSubstr("leads out of the archive")));
}

TEST_F(TheTransfers, ReplaceAnImageByForceOnly) {
    const UniqueFd old = file_with(an_archive("old"));
    const UniqueFd first = file_with(an_archive("new"));
    const UniqueFd second = file_with(an_archive("new"));
    ASSERT_EQ(result_of(import_tar(old, "web")), "done");

    EXPECT_EQ(result_of(import_tar(first, "web")), "failed");
    EXPECT_EQ(text("web/etc/motd"), "old");
    EXPECT_EQ(result_of(import_tar(second, "web", true)), "done");
    EXPECT_EQ(text("web/etc/motd"), "new");
}

TEST_F(TheTransfers, AreListedAndCanBeCanceled) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd from{ends[0]};
    const UniqueFd to{ends[1]};
    write_all(to, an_archive().substr(0, 1024));
    const auto id = import_tar(from, "web").take<std::uint32_t>();

    const auto rows = import1("ListTransfers").take<std::vector<Row>>();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(std::get<0>(rows[0]), id);
    EXPECT_EQ(std::get<1>(rows[0]), "import-tar");
    EXPECT_EQ(std::get<3>(rows[0]), "web");
    const std::string path = std::get<5>(rows[0]).text;
    EXPECT_EQ(property(path, transfer_interface, "Type").take<Variant>(), Variant{std::string{"import-tar"}});
    EXPECT_EQ(property(path, transfer_interface, "Local").take<Variant>(), Variant{std::string{"web"}});
    EXPECT_EQ(import1("CancelTransfer", id).error, "");

    EXPECT_TRUE(until([&] { return results.contains(id); }));
    EXPECT_EQ(results[id], "canceled");
    EXPECT_THAT(images(), IsEmpty());
}

TEST_F(TheTransfers, GoOnWithoutTheServiceWhichFindsThemAgain) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd from{ends[0]};
    UniqueFd to{ends[1]};
    const std::string bytes = an_archive();
    write_all(to, bytes.substr(0, 1024));
    const auto id = import_tar(from, "web").take<std::uint32_t>();

    // Its process is one of its own from then on.
    ASSERT_TRUE(until([&] {
        return std::filesystem::exists(bus.directory() / "run/machinist/jobs" / (std::to_string(id) + ".progress"));
    }));
    kill_daemon(SIGKILL);
    start_daemon();
    ASSERT_EQ(import1("ListTransfers").take<std::vector<Row>>().size(), 1U);
    write_all(to, bytes.substr(1024));
    to.reset();

    EXPECT_TRUE(until([&] { return results.contains(id); }));
    EXPECT_EQ(results[id], "done");
    EXPECT_EQ(text("web/etc/motd"), "hello");
}

TEST_F(TheTransfers, AskPolkitForEachFamily) {
    const UniqueFd file = file_with(an_archive());

    const auto refused = [&](const char* member, const Fill& fill) {
        return call_at(somebody_else(), import_path, import_interface, member, fill).error;
    };

    constexpr const char* denied = "org.freedesktop.DBus.Error.AccessDenied";
    EXPECT_EQ(refused("ImportTar", filling(BorrowedFd{file}, std::string{"web"}, false, false)), denied);
    EXPECT_EQ(refused("ExportTar", filling(std::string{"web"}, BorrowedFd{file}, std::string{})), denied);
    EXPECT_EQ(
        refused("PullTar", filling(std::string{"http://host/web.tar"}, std::string{"web"}, std::string{"no"}, false)),
        denied);
    ASSERT_EQ(polkit.asked.size(), 3U);
    EXPECT_EQ(polkit.asked[0].action, "org.freedesktop.import1.import");
    EXPECT_EQ(polkit.asked[1].action, "org.freedesktop.import1.export");
    EXPECT_EQ(polkit.asked[2].action, "org.freedesktop.import1.pull");
}

TEST_F(TheTransfers, RefuseWhatHasNoMeaningAtOnce) {
    const UniqueFd file = file_with(an_archive());
    const UniqueFd null = open_path("/dev/null", O_RDWR);
    const UniqueFd written = open_path(bus.directory() / "out", O_WRONLY | O_CREAT, 0600);
    const std::string web = "web";

    EXPECT_EQ(import_tar(file, "../web").error, invalid);
    EXPECT_EQ(import_tar(file, "").error, invalid);
    EXPECT_EQ(import_tar(null, web).error, invalid);
    EXPECT_EQ(import_tar(written, web).error, invalid);
    EXPECT_EQ(import1("ImportTarEx", BorrowedFd{file}, web, std::string{"odd"}, std::uint64_t{0}).error, invalid);
    EXPECT_EQ(import1("ImportTarEx", BorrowedFd{file}, web, std::string{"machine"}, std::uint64_t{64}).error, invalid);
    EXPECT_EQ(import1("ImportFileSystem", BorrowedFd{file}, web, false, false).error, invalid);
    EXPECT_EQ(import1("ExportTar", web, BorrowedFd{written}, std::string{"rar"}).error, invalid);
    for (const char* url : {"file:///etc/passwd", "ftp://host/x", "", "web.tar", "http://a b/"})
        if (const Outcome outcome = import1("PullTar", std::string{url}, web, std::string{"no"}, false);
            outcome.error.empty()) {
            EXPECT_EQ(result_of(outcome), "failed") << url;
        }
    EXPECT_EQ(import1("PullTar", std::string{"http://host/x"}, web, std::string{"maybe"}, false).error, invalid);
    EXPECT_EQ(import1("PullOci", std::string{"--job=x"}, web, std::string{"machine"}, std::uint64_t{0}).error, invalid);
    EXPECT_THAT(images(), IsEmpty());
}

TEST_F(TheTransfers, AreJobsWithFigures) {
    const UniqueFd file = file_with(an_archive());
    const auto id = import_tar(file, "web").take<std::uint32_t>();
    ASSERT_TRUE(until([&] { return results.contains(id); }));

    const auto job = properties("/org/freedesktop/machine1/job/_" + std::to_string(id), "io.machinist.Job1");

    EXPECT_EQ(job.at("Kind"), Variant{std::string{"transfer"}});
    EXPECT_EQ(job.at("State"), Variant{std::string{"done"}});
    EXPECT_EQ(job.at("Machine"), Variant{std::string{"web"}});
    EXPECT_TRUE(job.contains("BytesPerSecond"));
    EXPECT_TRUE(job.contains("TimeLeftUSec"));
}

TEST_F(TheTransfers, AreAskedForByTheCommandLineOfOthers) {
    const UniqueFd file = file_with(an_archive());
    const auto run = [&](const char* verb, const char* word, const char* name) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(file.get(), STDIN_FILENO);
            if (::setgid(somebody) != 0 || ::setuid(somebody) != 0)
                ::_exit(126);
            ::execl(MACHINIST_CONTROL, "machinist", verb, word, name, nullptr);
            ::_exit(127);
        }
        int status = -1;
        EXPECT_TRUE(until([&] { return ::waitpid(child, &status, WNOHANG) == child; }, 20'000));
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    };

    EXPECT_EQ(run("import-tar", "-", "web"), 1);
    EXPECT_THAT(images(), IsEmpty());
    polkit.allowed.insert("org.freedesktop.import1.import");
    EXPECT_EQ(run("import-tar", "-", "web"), 0);

    EXPECT_EQ(text("web/etc/motd"), "hello");
    EXPECT_EQ(run("list-transfers", nullptr, nullptr), 0);
    EXPECT_EQ(run("cancel-transfer", "4711", nullptr), 1);
}

} // namespace machinist::testing
