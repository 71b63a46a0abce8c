// SPDX-License-Identifier: LGPL-2.1-or-later
// The genuine machinectl of the release and ours under its name, on one host, about one machine, by one service: with
// systemd-machined and with machinistd as the provider. What differs is written here and nowhere else.
#include "system/host.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <map>
#include <sstream>
#include <unistd.h>

namespace machinist::test {

namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;

constexpr const char* ours = "/usr/libexec/machinist/compat/bin/machinectl";

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream{text};
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

// Fields of `status` by their names. How long ago something was differs between two calls.
std::map<std::string, std::string> fields_of(const std::string& text) {
    std::map<std::string, std::string> fields;
    for (const std::string& line : lines_of(text)) {
        const auto begin = line.find_first_not_of(" \t");
        const auto colon = line.find(": ");
        if (begin == 0 || begin == std::string::npos || colon == std::string::npos || colon > 20 ||
            line.find_first_of("│├└") != std::string::npos)
            continue;
        const std::string value = line.substr(colon + 2);
        fields[line.substr(begin, colon - begin)] = value.substr(
            0, value.find("; ") == std::string::npos || value.find(" ago") == std::string::npos ? std::string::npos
                                                                                                : value.find("; "));
    }
    // Releases name it by turns.
    for (const char* name : {"UID Shift", "ID Shift"})
        if (auto field = fields.extract(name)) {
            field.key() = "shift";
            fields.insert(std::move(field));
        }
    return fields;
}

class SideBySide : public WithEachProvider {
protected:
    void SetUp() override {
        WithEachProvider::SetUp();
        if (IsSkipped() || HasFatalFailure())
            return;
        ASSERT_TRUE(holds("systemd-run --quiet --collect --unit=runs-web --service-type=notify machinist run -b "
                          "--notify-ready=yes --private-network -D /var/lib/machines/web"));
        ASSERT_TRUE(holds("nsenter -t $(machinist show -P Leader web) -n sh -c 'ip address add 10.9.8.7/32 dev lo && "
                          "ip address add 10.9.8.8/32 dev lo'"));
    }
    static Outcome genuine(const std::string& words) {
        return sh("machinectl " + words);
    }
    static Outcome our(const std::string& words) {
        return sh(std::string{ours} + " " + words);
    }
};

// The pool on a filesystem of its own. It is made outside, where the tools for it are; the devices are the same.
class ABtrfsPool : public WithEachProvider {
protected:
    void TearDown() override {
        end();
        WithEachProvider::TearDown();
    }
    void begin() {
        const std::string file = place_ + "/pool.btrfs";
        const Outcome made = outside("set -e; mkdir " + place_ + "; truncate -s 256M " + file + "; mkfs.btrfs -q -f " +
                                     file + " >/dev/null; mkdir -p " + file + ".d; mount -o loop " + file + " " + file +
                                     ".d; btrfs subvolume create " + file + ".d/small >/dev/null; mkdir " + file +
                                     ".d/small/usr; umount " + file + ".d; losetup --find --show " + file);
        ASSERT_EQ(made.status, 0) << made.output << made.errors;
        device_ = made.output.substr(0, made.output.find('\n'));
        const Outcome mounted = sh("mount " + device_ + " /var/lib/machines");
        ASSERT_EQ(mounted.status, 0) << mounted.errors;
    }
    void end() {
        if (device_.empty())
            return;
        // Whoever looks into it at the time.
        EXPECT_TRUE(eventually([] { return holds("umount /var/lib/machines"); }, 20s));
        EXPECT_EQ(outside("losetup --detach " + device_ + " && rm -r " + place_).status, 0);
        device_.clear();
    }

private:
    static Outcome outside(const std::string& script) {
        return run("/bin/sh", {"-c", "PATH=$PATH:/usr/sbin:/sbin; " + script});
    }
    const std::string place_ = "/tmp/machinist-test-btrfs." + std::to_string(::getpid());
    std::string device_;
};

} // namespace

INSTANTIATE_TEST_SUITE_P(By, ABtrfsPool, testing::Values("machined", "machinistd"),
                         [](const auto& provider) { return provider.param; });
INSTANTIATE_TEST_SUITE_P(By, SideBySide, testing::Values("machined", "machinistd"),
                         [](const auto& provider) { return provider.param; });

TEST_P(SideBySide, ListMachinesAlike) {
    for (const char* words :
         {"", "list", "list --no-legend", "list --all", "list -l --no-pager", "list -o json",
          "list --output=json-pretty", "list -o short", "list --max-addresses=2", "list --max-addresses=all",
          "list --max-addresses=0", "list --max-addresses=all --no-legend"})
        EXPECT_EQ(our(words).output, genuine(words).output) << words;
}

TEST_P(SideBySide, ShowMachinesAlike) {
    for (const char* words :
         {"show web -p State", "show web --property=Leader --value", "show web -p Name -p Id -p Unit",
          "show web -p RootDirectory -p Class -p Service --value", "show -p PoolPath"})
        EXPECT_EQ(our(words).output, genuine(words).output) << words;
    // We know more keys; those of machine1 stand in the same order.
    const auto all = lines_of(our("show web").output);
    auto at = all.begin();
    for (const std::string& line : lines_of(genuine("show web").output)) {
        EXPECT_THAT(all, Contains(line));
        if (const auto key = line.substr(0, line.find('='));
            key == "Owner" || key == "RunDirectory" || key.starts_with("Boot") || key == "StatusText")
            continue;
        const auto found = std::find(at, all.end(), line);
        EXPECT_NE(found, all.end()) << line;
        if (found != all.end())
            at = found;
    }
}

TEST_P(SideBySide, TellTheStatusAlike) {
    const Outcome theirs = genuine("status web --no-pager -n 0");
    const Outcome mine = our("status web --no-pager -n 0");

    EXPECT_EQ(lines_of(mine.output).at(0), lines_of(theirs.output).at(0));
    const auto fields = fields_of(mine.output);
    // We tell the state, the layer and the init, too.
    for (const auto& [name, value] : fields_of(theirs.output))
        EXPECT_EQ(fields.contains(name) ? fields.at(name) : "nothing", value) << name;
    EXPECT_THAT(our("status web -n 2").output, HasSubstr("machine-web.scope"));
}

TEST_P(SideBySide, FailAlike) {
    for (const char* words : {"show nosuch", "status nosuch", "kill nosuch", "terminate nosuch", "nosuchverb", "kill",
                              "--nosuch", "list -o foo", "list extra", "read-only web maybe", "clone web",
                              "-M nosuch list", "start nosuch", "enable nosuch"}) {
        const Outcome theirs = genuine(words);
        const Outcome mine = our(words);

        EXPECT_EQ(mine.status, theirs.status) << words;
        EXPECT_EQ(mine.output, theirs.output) << words;
    }
    for (const char* words : {"show nosuch", "status nosuch", "kill nosuch", "terminate nosuch"})
        EXPECT_THAT(our(words).errors, HasSubstr("No machine 'nosuch' known")) << words;
}

TEST_P(SideBySide, NameTheSameSignals) {
    // Theirs have numbers beside them in later releases.
    const auto names = [](const Outcome& outcome) {
        std::vector<std::string> found;
        for (const std::string& line : lines_of(outcome.output))
            if (const auto at = line.find("SIG");
                at != std::string::npos && line.find("SIGNAL ") == std::string::npos &&
                line.find("SIGRTMIN") == std::string::npos && line.find("SIG3") == std::string::npos)
                found.push_back(line.substr(at));
        return found;
    };
    EXPECT_THAT(names(our("kill --signal=list")), IsSupersetOf(names(genuine("kill --signal=list"))));
}

TEST_P(SideBySide, TellOfImagesAlike) {
    if (genuine("list-images").status != 0)
        GTEST_SKIP() << "needs the provider's images";
    for (const char* words :
         {"list-images", "list-images --no-legend", "list-images -o json", "list-images -o json-pretty",
          "show-image web", "show-image web -p Type --value", "show-image web -p Name -p Path"})
        EXPECT_EQ(our(words).output, genuine(words).output) << words;
    const auto fields = fields_of(our("image-status web").output);
    // We tell what is in an image that runs, too.
    for (const auto& [name, value] : fields_of(genuine("image-status web").output))
        EXPECT_EQ(fields.contains(name) ? fields.at(name) : "nothing", value) << name;
    EXPECT_EQ(our("show-image nosuch").status, genuine("show-image nosuch").status);
}

TEST_P(SideBySide, FailWithImagesAlike) {
    if (genuine("list-images").status != 0)
        GTEST_SKIP() << "needs the provider's images";
    for (const std::string words : {"show-image nosuch",
                                    "image-status nosuch",
                                    "clone nosuch new",
                                    "clone web web",
                                    "clone web a/b",
                                    "clone web",
                                    "clone",
                                    "rename nosuch new",
                                    "rename web a/b",
                                    "rename web",
                                    "remove nosuch",
                                    "remove",
                                    "remove nosuch neither",
                                    "read-only nosuch",
                                    "read-only web maybe",
                                    "read-only",
                                    "set-limit nosuch 1G",
                                    "set-limit web nonsense",
                                    "set-limit",
                                    "clean extra",
                                    "list-images extra"}) {
        SCOPED_TRACE(words);
        const Outcome theirs = genuine(words);
        const Outcome mine = our(words);

        EXPECT_EQ(mine.status, theirs.status) << mine.errors << theirs.errors;
        EXPECT_EQ(mine.output, theirs.output);
        EXPECT_EQ(mine.errors.empty(), theirs.errors.empty()) << mine.errors << theirs.errors;
        // Theirs say before it what was attempted, in words of each release.
        constexpr const char* sentence = "o image 'nosuch' known";
        EXPECT_EQ(mine.errors.contains(sentence), theirs.errors.contains(sentence)) << mine.errors << theirs.errors;
    }
    EXPECT_TRUE(holds("test -d /var/lib/machines/web/usr -a ! -e /var/lib/machines/new"));
}

TEST_P(SideBySide, ChangeImagesAlike) {
    if (genuine("list-images").status != 0)
        GTEST_SKIP() << "needs the provider's images";
    std::string said[2];
    for (const bool is_mine : {false, true}) {
        const auto call = [&](const std::string& words) {
            const Outcome outcome = is_mine ? our(words) : genuine(words);
            said[is_mine] += words + ": " + std::to_string(outcome.status) + "\n" + outcome.output + outcome.errors;
        };
        ASSERT_TRUE(holds("mkdir -p /var/lib/machines/small/usr /var/lib/machines/.old/usr"));
        call("clone small copy");
        call("clone --read-only small kept");
        call("rename copy moved");
        call("read-only moved");
        call("show-image moved -p Name -p Type -p ReadOnly");
        call("read-only moved no");
        call("list-images --no-legend | cut -d ' ' -f 1");
        call("clean");
        call("remove moved kept small");
        call("list-images --all --no-legend | cut -d ' ' -f 1");
    }
    EXPECT_EQ(said[1], said[0]);
}

TEST_P(ABtrfsPool, IsLimitedAlike) {
    if (!holds("machinectl list-images"))
        GTEST_SKIP() << "needs the provider's images";
    std::string said[2];
    for (const bool is_mine : {false, true}) {
        ASSERT_NO_FATAL_FAILURE(begin());
        const auto call = [&](const std::string& words) {
            const Outcome outcome = sh((is_mine ? ours : "machinectl") + (" " + words));
            // Why something fails, everybody says in words of their own.
            said[is_mine] += words + ": " + std::to_string(outcome.status) + "\n" + outcome.output +
                             (outcome.errors.empty() ? "" : "a failure\n");
        };
        const auto look = [&] {
            said[is_mine] += sh("busctl get-property org.freedesktop.machine1 /org/freedesktop/machine1 "
                                "org.freedesktop.machine1.Manager PoolLimit")
                                 .output;
            call("show-image small -p Name -p Type -p Limit -p LimitExclusive");
        };
        look();
        // Nothing is counted before the pool has a limit.
        for (const std::string words : {"small 100M", "200M", "small 1G", "small -", "-"}) {
            call("set-limit " + words);
            look();
        }
        ASSERT_NO_FATAL_FAILURE(end());
    }
    EXPECT_EQ(said[1], said[0]);
    EXPECT_THAT(said[0], HasSubstr("set-limit small 100M: 1\n"));
    EXPECT_THAT(said[0], HasSubstr("t 209715200\n"));
    EXPECT_THAT(said[0], HasSubstr("Limit=1073741824\n"));
}

TEST_P(SideBySide, EnableUnitsAlike) {
    if (genuine("show-image web").status != 0)
        GTEST_SKIP() << "needs the provider's images";
    const char* links = "cd /etc/systemd/system && find machines.target.wants multi-user.target.wants -name '*web*' -o "
                        "-name machines.target | sort; systemctl is-enabled systemd-nspawn@web";
    const char* gone = "machinectl disable web; systemctl disable --quiet machines.target";
    (void)sh(gone);
    EXPECT_EQ(genuine("enable web").status, 0);
    std::string theirs = sh(links).output;
    EXPECT_EQ(sh(gone).status, 0);
    // Older ones left the target alone, and the machine did not start with the host.
    const std::string target = "multi-user.target.wants/machines.target\n";
    if (systemd_version() < 257 && !theirs.contains(target))
        theirs.insert(theirs.find("enabled\n"), target);

    EXPECT_EQ(our("enable web").status, 0);

    EXPECT_EQ(sh(links).output, theirs);
    EXPECT_THAT(theirs, HasSubstr("machines.target.wants/systemd-nspawn@web.service"));
    EXPECT_EQ(our("disable web").status, 0);
    EXPECT_EQ(sh("systemctl is-enabled systemd-nspawn@web").output, "disabled\n");
    (void)sh(gone);
}

TEST_P(SideBySide, EndMachinesAlike) {
    EXPECT_EQ(our("poweroff web").status, 0);
    EXPECT_TRUE(eventually([] { return genuine("list --no-legend").output.empty(); }, 20s));
}

} // namespace machinist::test
