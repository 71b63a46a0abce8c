// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service.hpp"

#include "image/image_lock.hpp"
#include "kernel/files.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <optional>
#include <sys/fanotify.h>

namespace machinist::testing {

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr const char* image_interface = "org.freedesktop.machine1.Image";
constexpr const char* no_such_image = "org.freedesktop.machine1.NoSuchImage";
constexpr const char* invalid = "org.freedesktop.DBus.Error.InvalidArgs";
constexpr std::uint64_t unknown = UINT64_MAX;

using Row = std::tuple<std::string, std::string, bool, std::uint64_t, std::uint64_t, std::uint64_t, ObjectPath>;
using Fields = std::map<std::string, std::string>;

std::string image_path(const std::string& name) {
    char* path = nullptr;
    wire::written(sd_bus_path_encode("/org/freedesktop/machine1/image", name.c_str(), &path));
    const std::unique_ptr<char, decltype(&std::free)> owner{path, std::free};
    return path;
}

} // namespace

namespace {

// Whoever opens the file waits for as long as this lives.
class HeldFile {
public:
    explicit HeldFile(const std::filesystem::path& file)
        : group_(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY)) {
        EXPECT_EQ(::fanotify_mark(group_.get(), FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, file.c_str()), 0);
    }

private:
    UniqueFd group_;
};

} // namespace

class TheImages : public AService {
protected:
    void make_tree(const std::string& name, const std::string& os_release = "ID=probe\n") {
        std::filesystem::create_directories(pool() / name / "etc");
        std::filesystem::create_directories(pool() / name / "usr");
        write_atomically(pool() / name / "etc/os-release", os_release, 0644);
    }
    void make_raw(const std::string& name, const std::string& bytes = std::string(4096, 'x')) {
        write_atomically(pool() / (name + ".raw"), bytes, 0644);
    }
    std::vector<std::string> image_names() {
        std::vector<std::string> names;
        for (const Row& row : manager("ListImages").take<std::vector<Row>>())
            names.push_back(std::get<0>(row));
        return names;
    }
    template <typename... T>
    Outcome image(const std::string& name, const char* member, const T&... values) {
        return call_at(*root, image_path(name), image_interface, member, filling(values...));
    }
    std::string children() {
        const std::string number = std::to_string(daemon);
        return read_file_if_exists("/proc/" + number + "/task/" + number + "/children").value_or("");
    }
    const std::string web = "web";
};

TEST_F(TheImages, AreListedWithWhatIsKnownOfEach) {
    make_tree("web");
    make_raw("disk");

    const auto rows = manager("ListImages").take<std::vector<Row>>();

    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(std::get<0>(rows[0]), ".host");
    EXPECT_EQ(std::get<0>(rows[1]), "disk");
    EXPECT_EQ(std::get<1>(rows[1]), "raw");
    EXPECT_EQ(std::get<5>(rows[1]), 4096U);
    EXPECT_EQ(std::get<0>(rows[2]), "web");
    EXPECT_FALSE(std::get<2>(rows[2]));
    EXPECT_EQ(std::get<6>(rows[2]).text, image_path("web"));
}

TEST_F(TheImages, AreAsOtherHandsHaveLeftThem) {
    const auto limit = [&] { return property(image_path("disk"), image_interface, "Limit").take<Variant>(); };
    const auto read_only = [&] { return property(image_path("disk"), image_interface, "ReadOnly").take<Variant>(); };
    for (std::uint64_t round = 1; round <= 20; ++round) {
        SCOPED_TRACE(round);
        EXPECT_THAT(image_names(), ElementsAre(".host"));
        EXPECT_EQ(manager("GetImage", std::string{"disk"}).error, no_such_image);

        make_raw("disk", std::string(4096, 'x'));
        EXPECT_THAT(image_names(), ElementsAre(".host", "disk"));
        EXPECT_EQ(limit(), Variant{std::uint64_t{4096}});
        EXPECT_EQ(read_only(), Variant{false});

        std::filesystem::resize_file(pool() / "disk.raw", 4096 * (round + 1));
        EXPECT_EQ(limit(), Variant{4096 * (round + 1)});
        std::filesystem::permissions(pool() / "disk.raw", std::filesystem::perms{0444});
        EXPECT_EQ(read_only(), Variant{true});
        EXPECT_EQ(properties(image_path("disk"), image_interface).at("ReadOnly"), Variant{true});

        std::filesystem::rename(pool() / "disk.raw", pool() / "moved.raw");
        EXPECT_THAT(image_names(), ElementsAre(".host", "moved"));
        EXPECT_NE(property(image_path("disk"), image_interface, "ReadOnly").error, "");
        std::filesystem::remove(pool() / "moved.raw");
    }
}

TEST_F(TheImages, OfAnotherKindByTheSameNameAreSeenAtOnce) {
    make_raw("web");
    EXPECT_EQ(property(image_path("web"), image_interface, "Type").take<Variant>(), Variant{std::string{"raw"}});

    std::filesystem::remove(pool() / "web.raw");
    make_tree("web", "ID=one\n");
    EXPECT_EQ(property(image_path("web"), image_interface, "Type").take<Variant>(), Variant{std::string{"directory"}});
    EXPECT_THAT(manager("GetImageOSRelease", web).take<Fields>(), ElementsAre(Pair("ID", "one")));

    make_tree("web", "ID=two\n");
    EXPECT_THAT(manager("GetImageOSRelease", web).take<Fields>(), ElementsAre(Pair("ID", "two")));
}

TEST_F(TheImages, AreObjectsThatIntrospectionLists) {
    make_tree("a-b");

    const auto text =
        call_at(*root, "/org/freedesktop/machine1/image", "org.freedesktop.DBus.Introspectable", "Introspect", {})
            .take<std::string>();

    EXPECT_THAT(text, HasSubstr("\"_2ehost\""));
    EXPECT_THAT(text, HasSubstr("\"a_2db\""));
    EXPECT_EQ(manager("GetImage", std::string{"a-b"}).take<ObjectPath>().text, image_path("a-b"));
}

TEST_F(TheImages, HaveProperties) {
    make_raw("disk");

    const auto all = properties(image_path("disk"), image_interface);

    EXPECT_EQ(all.at("Name"), Variant{std::string{"disk"}});
    EXPECT_EQ(all.at("Path"), Variant{std::string{"/var/lib/machines/disk.raw"}});
    EXPECT_EQ(all.at("Type"), Variant{std::string{"raw"}});
    EXPECT_EQ(all.at("ReadOnly"), Variant{false});
    EXPECT_EQ(all.at("Limit"), Variant{std::uint64_t{4096}});
    EXPECT_NE(all.at("ModificationTimestamp"), Variant{std::uint64_t{0}});
    const auto pool_properties = properties(manager_path, manager_interface);
    EXPECT_EQ(pool_properties.at("PoolPath"), Variant{std::string{"/var/lib/machines"}});
    EXPECT_EQ(pool_properties.at("PoolUsage"), Variant{unknown});
    EXPECT_EQ(pool_properties.at("PoolLimit"), Variant{unknown});
}

TEST_F(TheImages, AreClonedRenamedAndRemovedByNameAndByObject) {
    make_tree("web");
    listen();

    EXPECT_EQ(manager("CloneImage", web, std::string{"one"}, false).error, "");
    EXPECT_EQ(image("one", "Clone", std::string{"two"}, false).error, "");
    EXPECT_EQ(manager("RenameImage", std::string{"one"}, std::string{"three"}).error, "");
    EXPECT_EQ(image("two", "Rename", std::string{"four"}).error, "");
    EXPECT_THAT(image_names(), ElementsAre(".host", "four", "three", "web"));
    EXPECT_EQ(manager("RemoveImage", std::string{"three"}).error, "");
    EXPECT_EQ(image("four", "Remove").error, "");

    EXPECT_THAT(image_names(), ElementsAre(".host", "web"));
    EXPECT_TRUE(until([&] {
        return saw("InterfacesAdded", image_path("one")) && saw("InterfacesRemoved", image_path("one")) &&
               saw("InterfacesRemoved", image_path("four"));
    }));
}

TEST_F(TheImages, TellWhenTheyBecomeReadOnly) {
    make_raw("disk");
    listen();

    EXPECT_EQ(manager("MarkImageReadOnly", std::string{"disk"}, true).error, "");
    EXPECT_EQ(property(image_path("disk"), image_interface, "ReadOnly").take<Variant>(), Variant{true});
    EXPECT_TRUE(until([&] { return saw("PropertiesChanged", image_interface); }));

    EXPECT_EQ(image("disk", "MarkReadOnly", false).error, "");
    EXPECT_EQ(property(image_path("disk"), image_interface, "ReadOnly").take<Variant>(), Variant{false});
}

TEST_F(TheImages, CloneReadOnlyOnDemand) {
    make_raw("disk");

    EXPECT_EQ(manager("CloneImage", std::string{"disk"}, std::string{"kept"}, true).error, "");

    EXPECT_EQ(property(image_path("kept"), image_interface, "ReadOnly").take<Variant>(), Variant{true});
}

TEST_F(TheImages, TellWhatIsInThem) {
    make_tree("web", "ID=probe\nPRETTY_NAME=\"A Probe\"\n");
    write_atomically(pool() / "web/etc/hostname", "somewhere\n", 0644);
    write_atomically(pool() / "web/etc/machine-id", std::string(32, 'a') + "\n", 0444);
    write_atomically(pool() / "web/etc/machine-info", "DEPLOYMENT=test\n", 0644);

    EXPECT_EQ(manager("GetImageHostname", web).take<std::string>(), "somewhere");
    EXPECT_EQ(image("web", "GetHostname").take<std::string>(), "somewhere");
    EXPECT_EQ(manager("GetImageMachineID", web).take<std::vector<std::uint8_t>>(), std::vector<std::uint8_t>(16, 0xaa));
    EXPECT_THAT(manager("GetImageMachineInfo", web).take<Fields>(), ElementsAre(Pair("DEPLOYMENT", "test")));
    EXPECT_THAT(image("web", "GetOSRelease").take<Fields>(),
                UnorderedElementsAre(Pair("ID", "probe"), Pair("PRETTY_NAME", "A Probe")));
    EXPECT_THAT(manager("GetImageOSRelease", std::string{".host"}).take<Fields>(), Contains(Pair("ID", "debian")));
}

TEST_F(TheImages, TellLongFactsWhole) {
    std::string text;
    for (int line = 0; line < 200; ++line)
        text += "KEY_" + std::to_string(line) + "=" + std::string(60, 'v') + "\n";
    make_tree("web", text);

    EXPECT_EQ(manager("GetImageOSRelease", web).take<Fields>().size(), 200U);
}

TEST_F(TheImages, WithoutFactsGiveEmptyOnes) {
    std::filesystem::create_directories(pool() / "web/usr");

    EXPECT_EQ(manager("GetImageHostname", web).take<std::string>(), "");
    EXPECT_THAT(manager("GetImageMachineID", web).take<std::vector<std::uint8_t>>(), IsEmpty());
    EXPECT_THAT(manager("GetImageOSRelease", web).take<Fields>(), IsEmpty());
}

TEST_F(TheImages, AreRefusedByTheNamesOfTheReference) {
    make_tree("web");
    make_tree("other");
    const std::string nothing = "nothing";

    EXPECT_EQ(manager("GetImage", nothing).error, no_such_image);
    EXPECT_EQ(manager("RemoveImage", nothing).error, no_such_image);
    EXPECT_EQ(manager("CloneImage", nothing, std::string{"x"}, false).error, no_such_image);
    EXPECT_EQ(manager("RenameImage", nothing, std::string{"x"}).error, no_such_image);
    EXPECT_EQ(manager("MarkImageReadOnly", nothing, true).error, no_such_image);
    EXPECT_EQ(manager("SetImageLimit", nothing, std::uint64_t{1}).error, no_such_image);
    EXPECT_EQ(manager("GetImageOSRelease", nothing).error, no_such_image);
    EXPECT_EQ(manager("CloneImage", web, std::string{"../x"}, false).error, invalid);
    EXPECT_EQ(manager("RenameImage", web, std::string{"a/b"}).error, invalid);
    EXPECT_EQ(manager("CloneImage", web, std::string{"other"}, false).error, "org.freedesktop.DBus.Error.FileExists");
    EXPECT_EQ(manager("RemoveImage", std::string{".host"}).error, "org.freedesktop.DBus.Error.AccessDenied");
    EXPECT_EQ(manager("SetImageLimit", web, std::uint64_t{1}).error, "org.freedesktop.DBus.Error.NotSupported");
    EXPECT_EQ(manager("SetPoolLimit", std::uint64_t{1}).error, "org.freedesktop.DBus.Error.NotSupported");
    EXPECT_EQ(manager("CleanPool", std::string{"everything"}).error, invalid);
    EXPECT_THAT(image_names(), ElementsAre(".host", "other", "web"));
}

TEST_F(TheImages, AreLeftAloneWhileAMachineUsesThem) {
    make_tree("web");
    make_tree(".hidden");
    const ImageLock held =
        lock_image(pool() / "web", LockMode::exclusive, bus.directory() / "run/systemd/nspawn/locks");

    EXPECT_EQ(manager("RemoveImage", web).error, "System.Error.EBUSY");
    EXPECT_EQ(manager("RenameImage", web, std::string{"x"}).error, "System.Error.EBUSY");
    EXPECT_EQ(manager("MarkImageReadOnly", web, true).error, "System.Error.EBUSY");
    // The others go all the same.
    EXPECT_EQ(manager("CleanPool", std::string{"all"}).error, "System.Error.EBUSY");
    EXPECT_THAT(image_names(), ElementsAre(".host", "web"));
}

TEST_F(TheImages, AreCleanedUp) {
    make_tree("web");
    make_tree(".old");
    listen();

    const auto removed =
        manager("CleanPool", std::string{"hidden"}).take<std::vector<std::tuple<std::string, std::uint64_t>>>();

    EXPECT_THAT(removed, ElementsAre(std::tuple{".old", unknown}));
    EXPECT_THAT(image_names(), ElementsAre(".host", "web"));
    EXPECT_TRUE(until([&] { return saw("InterfacesRemoved", image_path(".old")); }));
}

TEST_F(TheImages, AreNobodysWithoutRights) {
    make_tree("web");
    constexpr const char* denied = "org.freedesktop.DBus.Error.AccessDenied";

    EXPECT_EQ(somebodys("ListImages").error, "");
    EXPECT_EQ(somebodys("GetImage", web).error, "");
    EXPECT_THAT(polkit.asked, IsEmpty());
    EXPECT_EQ(somebodys("RemoveImage", web).error, denied);
    EXPECT_EQ(somebodys("CloneImage", web, std::string{"x"}, false).error, denied);
    EXPECT_EQ(somebodys("GetImageHostname", web).error, denied);
    EXPECT_EQ(somebodys("SetPoolLimit", unknown).error, denied);
    EXPECT_EQ(somebodys("CleanPool", std::string{"nonsense"}).error, denied);
    EXPECT_EQ(somebodys("RemoveImage", std::string{"nothing"}).error, denied);

    ASSERT_EQ(polkit.asked.size(), 6U);
    EXPECT_EQ(polkit.asked[0].action, "org.freedesktop.machine1.manage-images");
    EXPECT_THAT(polkit.asked[0].details, UnorderedElementsAre(Pair("image", "web"), Pair("verb", "remove")));
    EXPECT_THAT(polkit.asked[1].details,
                UnorderedElementsAre(Pair("image", "web"), Pair("new_name", "x"), Pair("verb", "clone")));
    EXPECT_EQ(polkit.asked[2].action, "org.freedesktop.machine1.inspect-images");
    EXPECT_EQ(polkit.asked[3].action, "org.freedesktop.machine1.manage-machines");
    EXPECT_THAT(image_names(), ElementsAre(".host", "web"));
}

TEST_F(TheImages, KeepNobodyWaitingWhoAsksForSomethingElse) {
    make_raw("disk");
    std::optional<HeldFile> held{pool() / "disk.raw"};
    const auto cloning = begin(*root, "CloneImage", filling(std::string{"disk"}, std::string{"copy"}, false));
    ASSERT_TRUE(until([&] { return !children().empty(); }));

    EXPECT_THAT(image_names(), ElementsAre(".host", "disk"));
    EXPECT_FALSE(cloning->has_value());

    held.reset();
    ASSERT_TRUE(until([&] { return cloning->has_value(); }));
    EXPECT_EQ((*cloning)->error, "");
    EXPECT_THAT(image_names(), ElementsAre(".host", "copy", "disk"));
}

TEST_F(TheImages, AreNotClonedForACallerWhoLeft) {
    make_raw("disk");
    const HeldFile held{pool() / "disk.raw"};
    auto caller = bus.connect(loop);
    (void)begin(*caller, "CloneImage", filling(std::string{"disk"}, std::string{"copy"}, false));
    ASSERT_TRUE(until([&] { return !children().empty(); }));

    caller.reset();

    EXPECT_TRUE(until([&] { return children().empty(); }));
    EXPECT_THAT(image_names(), ElementsAre(".host", "disk"));
}

} // namespace machinist::testing
