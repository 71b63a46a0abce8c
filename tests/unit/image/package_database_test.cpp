// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/package_database.hpp"

#include "image/rpm_header.hpp"
#include "image/sqlite_table.hpp"
#include "unit/temporary_directory.hpp"

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace machinist {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using testing::TemporaryDirectory;

std::string big_endian(std::uint32_t number) {
    return {static_cast<char>(number >> 24), static_cast<char>(number >> 16), static_cast<char>(number >> 8),
            static_cast<char>(number)};
}

// As rpm keeps it: name, version, release, epoch and architecture.
std::string a_header(const std::string& name, const std::string& version, bool has_epoch) {
    const std::string store = std::string(4, '\0') + name + '\0' + version + '\0' + "3.fc40" + '\0' + "x86_64" + '\0';
    const auto entry = [](std::uint32_t tag, std::uint32_t type, std::size_t offset) {
        return big_endian(tag) + big_endian(type) + big_endian(static_cast<std::uint32_t>(offset)) + big_endian(1);
    };
    const std::size_t at_version = 4 + name.size() + 1;
    const std::size_t at_release = at_version + version.size() + 1;
    return big_endian(5) + big_endian(static_cast<std::uint32_t>(store.size())) + entry(1000, 6, 4) +
           entry(1001, 6, at_version) + entry(1002, 6, at_release) + entry(has_epoch ? 1003 : 9999, 4, 0) +
           entry(1022, 6, at_release + 7) + store;
}

// Made by SQLite itself: so many rows that the tree has several levels, some too long for a page.
std::string a_database(const TemporaryDirectory& place) {
    place.write("header", a_header("bash", "5.2", false));
    place.write("make.py", "import sqlite3, sys\n"
                           "where = sys.argv[1]\n"
                           "header = open(where + '/header', 'rb').read()\n"
                           "base = sqlite3.connect(where + '/rpmdb.sqlite')\n"
                           "base.execute('PRAGMA page_size=512')\n"
                           "base.execute('CREATE TABLE Other (hnum INTEGER PRIMARY KEY, blob BLOB)')\n"
                           "base.execute('INSERT INTO Other VALUES (1, ?)', (b'nothing',))\n"
                           "base.execute('CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)')\n"
                           "for number in range(500):\n"
                           "    name = b'p%03d' % number\n"
                           "    padding = b'x' * (3000 if number % 7 == 0 else 5)\n"
                           "    base.execute('INSERT INTO Packages VALUES (?, ?)',\n"
                           "                 (number + 1, header.replace(b'bash', name) + padding))\n"
                           "base.execute('DELETE FROM Packages WHERE hnum > 400')\n"
                           "base.commit()\n"
                           "base.close()\n");
    const std::string where = place.path().string();
    if (std::system(("python3 " + where + "/make.py " + where).c_str()) != 0)
        return {};
    return read_file(place.path() / "rpmdb.sqlite");
}

TEST(ADatabaseOfPackages, IsReadAsEachManagerWritesIt) {
    EXPECT_THAT(parse_dpkg_status("Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\n\n"
                                  "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n"),
                ElementsAre(Pair("bash:amd64", "5.2-1")));
    EXPECT_THAT(parse_apk_database("C:Q1\nP:musl\nV:1.2.5-r0\nA:x86_64\nF:lib\n\nP:busybox\nV:1.36.1-r2\nA:x86_64\n"),
                ElementsAre(Pair("busybox:x86_64", "1.36.1-r2"), Pair("musl:x86_64", "1.2.5-r0")));
    EXPECT_THAT(parse_pacman_description("%NAME%\nbash\n\n%VERSION%\n5.2.026-2\n\n%ARCH%\nx86_64\n\n"),
                ElementsAre(Pair("bash:x86_64", "5.2.026-2")));
}

TEST(AnRpmHeader, HasNameAndVersion) {
    const auto plain = read_rpm_header(a_header("bash", "5.2", false));
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->name, "bash:x86_64");
    EXPECT_EQ(plain->full_version, "5.2-3.fc40");
    EXPECT_EQ(read_rpm_header(a_header("bash", "5.2", true))->full_version, "0:5.2-3.fc40");
}

TEST(AnRpmHeader, ThatIsCutOffOrLiesIsNone) {
    const std::string whole = a_header("bash", "5.2", true);
    for (std::size_t size = 0; size < whole.size(); ++size)
        (void)read_rpm_header(std::string_view{whole}.substr(0, size));
    EXPECT_FALSE(read_rpm_header(whole.substr(0, 60)));
    EXPECT_FALSE(read_rpm_header(big_endian(0xffffffff) + whole.substr(4)));
    EXPECT_FALSE(read_rpm_header(""));
}

TEST(ADatabaseOfRpm, IsReadWholeAndWithoutWhatWasDeleted) {
    const TemporaryDirectory place;
    const std::string file = a_database(place);
    if (file.empty())
        GTEST_SKIP() << "python3 with sqlite3 is missing";

    const Packages packages = parse_rpm_database(file);

    EXPECT_THAT(packages, SizeIs(400));
    EXPECT_EQ(packages.begin()->first, "p000:x86_64");
    EXPECT_EQ(packages.rbegin()->first, "p399:x86_64");
    EXPECT_THAT(last_column_of_table(file, "Other"), ::testing::Optional(ElementsAre("nothing")));
    EXPECT_FALSE(last_column_of_table(file, "Missing"));
}

TEST(ADatabaseOfRpm, ThatIsDamagedAnywhereIsReadToAnEnd) {
    const TemporaryDirectory place;
    const std::string file = a_database(place);
    if (file.empty())
        GTEST_SKIP() << "python3 with sqlite3 is missing";

    EXPECT_THAT(parse_rpm_database(file.substr(0, file.size() / 2)), IsEmpty());
    // Bytes of the first pages, where the shape of the trees is.
    for (std::size_t at = 0; at < 6000; at += 151)
        for (const char byte : {'\0', '\x05', '\xff'}) {
            std::string damaged = file;
            damaged[at] = byte;
            EXPECT_LE(parse_rpm_database(damaged).size(), 500U) << at;
        }
}

std::string little_endian(std::uint32_t number, std::size_t size = 4) {
    std::string bytes;
    for (std::size_t byte = 0; byte < size; ++byte)
        bytes += static_cast<char>(number >> (8 * byte) & 0xff);
    return bytes;
}

// As rpm's own form (ndb) has it: one page of slots, blobs in blocks of 16 bytes behind it.
std::string an_ndb(const std::vector<std::string>& headers) {
    std::string slots = "RpmP" + little_endian(0) + little_endian(7) + little_endian(1) +
                        little_endian(static_cast<std::uint32_t>(headers.size()) + 1) + std::string(12, '\0');
    std::string blobs;
    std::uint32_t number = 0;
    for (const std::string& header : headers) {
        const auto place = static_cast<std::uint32_t>((4096 + blobs.size()) / 16);
        const auto size = static_cast<std::uint32_t>(header.size());
        std::string blob = "BlbS" + little_endian(++number) + little_endian(7) + little_endian(size) + header +
                           little_endian(0) + little_endian(size) + "BlbE";
        blob.resize((blob.size() + 15) / 16 * 16);
        slots += "Slot" + little_endian(number) + little_endian(place) +
                 little_endian(static_cast<std::uint32_t>(blob.size() / 16));
        blobs += blob;
    }
    while (slots.size() < 4096)
        slots += "Slot" + std::string(12, '\0');
    return slots + blobs;
}

// A hash of Berkeley DB: one page of pairs, the first value on it, each other one on pages of its own.
std::string a_hash_database(const std::vector<std::string>& headers) {
    constexpr std::size_t page = 512;
    const auto put = [](std::string& bytes, std::size_t at, const std::string& value) {
        bytes.replace(at, value.size(), value);
    };
    std::string meta(page, '\0');
    put(meta, 12, little_endian(0x061561));
    put(meta, 20, little_endian(page));
    meta[25] = 8;
    std::string pairs(page, '\0');
    pairs[25] = 13;
    std::string rest;
    std::size_t entry = 0;
    std::size_t end = page;
    const auto add = [&](const std::string& item) {
        end -= item.size();
        put(pairs, end, item);
        put(pairs, 26 + 2 * entry++, little_endian(static_cast<std::uint32_t>(end), 2));
    };
    std::uint32_t number = 0;
    for (const std::string& header : headers) {
        add("\x01" + little_endian(++number));
        if (number == 1) {
            add("\x01" + header);
            continue;
        }
        const auto first = static_cast<std::uint32_t>(2 + rest.size() / page);
        add(std::string("\x03\0\0\0", 4) + little_endian(first) +
            little_endian(static_cast<std::uint32_t>(header.size())));
        for (std::size_t at = 0; at < header.size(); at += 100) {
            const std::string part = header.substr(at, 100);
            std::string overflow(page, '\0');
            overflow[25] = 7;
            const bool is_last = at + 100 >= header.size();
            put(overflow, 16, little_endian(is_last ? 0 : static_cast<std::uint32_t>(3 + rest.size() / page)));
            put(overflow, 22, little_endian(static_cast<std::uint32_t>(part.size()), 2));
            put(overflow, 26, part);
            rest += overflow;
        }
    }
    put(pairs, 20, little_endian(static_cast<std::uint32_t>(entry), 2));
    return meta + pairs + rest;
}

TEST(ADatabaseOfRpm, IsReadInItsOtherFormsToo) {
    const std::vector<std::string> headers{a_header("bash", "5.2", false),
                                           a_header("zsh", "5.9", true) + std::string(700, 'x')};
    const auto both = ElementsAre(Pair("bash:x86_64", "5.2-3.fc40"), Pair("zsh:x86_64", "0:5.9-3.fc40"));

    EXPECT_THAT(parse_rpm_database(an_ndb(headers)), both);
    EXPECT_THAT(parse_rpm_database(a_hash_database(headers)), both);
}

TEST(ADatabaseOfRpm, OfAnotherFormThatIsDamagedAnywhereIsReadToAnEnd) {
    const std::vector<std::string> headers{a_header("bash", "5.2", false),
                                           a_header("zsh", "5.9", true) + std::string(700, 'x')};
    for (const std::string& file : {an_ndb(headers), a_hash_database(headers)}) {
        for (std::size_t at = 0; at < file.size(); ++at)
            for (const char byte : {'\0', '\x05', '\xff'}) {
                std::string damaged = file;
                damaged[at] = byte;
                EXPECT_LE(parse_rpm_database(damaged).size(), 3U) << at;
            }
        for (std::size_t size = 0; size < file.size(); size += 7)
            EXPECT_LE(parse_rpm_database(file.substr(0, size)).size(), 2U) << size;
    }
}

TEST(APackageDatabase, ThatCannotBeReadIsTold) {
    const TemporaryDirectory tree;
    EXPECT_EQ(unread_package_database(tree.descriptor()), "");
    tree.write("var/lib/rpm/Packages", "");

    EXPECT_EQ(unread_package_database(tree.descriptor()), "rpm's, in 'var/lib/rpm/Packages'");
}

TEST(APackageDatabase, IsFoundWhereItsManagerKeepsIt) {
    const TemporaryDirectory tree;
    tree.write("lib/apk/db/installed", "P:musl\nV:1\n");
    tree.write("var/lib/pacman/local/bash-1/desc", "%NAME%\nbash\n%VERSION%\n1\n");
    tree.write("var/lib/pacman/local/ALPM_DB_VERSION", "9\n");
    tree.write("var/lib/dpkg/status", "Package: dash\nStatus: install ok installed\nVersion: 1\n");

    EXPECT_THAT(installed_packages(tree.descriptor()),
                ElementsAre(Pair("bash", "1"), Pair("dash", "1"), Pair("musl", "1")));
}

} // namespace
} // namespace machinist
