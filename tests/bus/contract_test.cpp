// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service.hpp"

#include "contract_tables.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <set>
#include <sstream>
#include <sys/socket.h>

namespace machinist::testing {

namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

class TheContract : public AService {
protected:
    Leader leader;

    std::string introspection(const std::string& path) {
        return call_at(*root, path, "org.freedesktop.DBus.Introspectable", "Introspect", {}).take<std::string>();
    }
};

std::string attribute(const std::string& line, const std::string& name) {
    const std::string start = " " + name + "=\"";
    const auto at = line.find(start);
    if (at == std::string::npos)
        return {};
    const auto from = at + start.size();
    return line.substr(from, line.find('"', from) - from);
}

// "interface method Kill(s whom, i signal) -> " and the like, one string a member.
std::set<std::string> members_of(const std::string& introspection) {
    std::set<std::string> members;
    std::istringstream lines{introspection};
    std::string interface;
    std::string head;
    std::string in;
    std::string out;
    for (std::string line; std::getline(lines, line);) {
        const bool closed = line.find("/>") != std::string::npos;
        if (line.find("<interface ") != std::string::npos)
            interface = attribute(line, "name");
        for (const char* kind : {"method", "signal", "property"}) {
            if (line.find(std::string{"<"} + kind + " ") == std::string::npos)
                continue;
            head = interface + " " + kind + " " + attribute(line, "name");
            in.clear();
            out = std::strcmp(kind, "property") == 0 ? attribute(line, "type") + " " : "";
            if (closed)
                members.insert(head + "(" + in + ")" + out);
        }
        if (line.find("<arg ") != std::string::npos) {
            const bool is_in = attribute(line, "direction") == "in";
            (is_in ? in : out) += attribute(line, "type") + " " + attribute(line, "name") + ",";
        }
        for (const char* kind : {"</method>", "</signal>", "</property>"})
            if (line.find(kind) != std::string::npos)
                members.insert(head + "(" + in + ")" + out);
    }
    return members;
}

// The next complete type of a signature.
std::string next_type(const char*& signature) {
    const char* from = signature;
    if (*signature == 'a')
        ++signature;
    if (*from == 'a' && (*signature == '(' || *signature == '{' || *signature == 'a')) {
        (void)next_type(signature);
        return {from, signature};
    }
    if (*signature == '(' || *signature == '{') {
        int depth = 0;
        do {
            depth += *signature == '(' || *signature == '{' ? 1 : *signature == ')' || *signature == '}' ? -1 : 0;
            ++signature;
        } while (depth > 0);
    } else {
        ++signature;
    }
    return {from, signature};
}

std::string arguments_of(const char* signature, const char*& names) {
    std::string text;
    while (*signature != '\0') {
        text += next_type(signature) + " " + names + ",";
        names += std::strlen(names) + 1;
    }
    return text;
}

std::set<std::string> members_of(const InterfaceContract& contract) {
    std::set<std::string> members;
    for (const Member& member : contract.members) {
        if (member.hidden)
            continue;
        const char* names = member.names;
        const std::string head = std::string{contract.name} + " ";
        switch (member.kind) {
        case MemberKind::method: {
            const std::string in = arguments_of(member.in, names);
            members.insert(head + "method " + member.name + "(" + in + ")" + arguments_of(member.out, names));
            break;
        }
        case MemberKind::signal:
            members.insert(head + "signal " + member.name + "()" + arguments_of(member.out, names));
            break;
        case MemberKind::property: members.insert(head + "property " + member.name + "()" + member.out + " "); break;
        }
    }
    return members;
}

const UniqueFd& some_descriptor(int kind) {
    static const UniqueFd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    static const UniqueFd directory{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    static const UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const UniqueFd* all[] = {&null, &directory, &socket};
    return *all[kind % 3];
}

const std::vector<std::string> hostile_texts{"",
                                             "..",
                                             "/",
                                             ".host",
                                             "web",
                                             "nothing",
                                             std::string(100'000, 'a'),
                                             "a\nb\x1b[0m",
                                             "/proc/1/root",
                                             "%s%n%s",
                                             "../../../etc/passwd"};

// One hostile value of a type; turn chooses which.
void put_hostile(sd_bus_message* message, const std::string& type, int turn) {
    switch (type.front()) {
    case 's': wire::put(message, hostile_texts[static_cast<std::size_t>(turn) % hostile_texts.size()]); return;
    case 'o': wire::put(message, ObjectPath{"/"}); return;
    case 'b': wire::put(message, turn % 2 == 0); return;
    case 'i': {
        constexpr std::int32_t numbers[] = {0, -1, 2147483647, -2147483647 - 1, 65, 1};
        wire::put(message, numbers[turn % 6]);
        return;
    }
    case 'q': {
        constexpr std::uint16_t numbers[] = {0, 1, 65535, 32768, 80};
        wire::put(message, numbers[turn % 5]);
        return;
    }
    case 'u': {
        constexpr std::uint32_t numbers[] = {0, 1, 4294967295U, 2147483648U, 65536};
        wire::put(message, numbers[turn % 5]);
        return;
    }
    case 't': {
        constexpr std::uint64_t numbers[] = {0, 1, UINT64_MAX, std::uint64_t{1} << 63U, 2};
        wire::put(message, numbers[turn % 5]);
        return;
    }
    case 'h': wire::put(message, BorrowedFd{some_descriptor(turn).get()}); return;
    case 'a': break;
    default: FAIL() << "no hostile values for '" << type << "'";
    }
    const std::size_t count = turn % 3 == 0 ? 0 : turn % 3 == 1 ? 100'000 : 3;
    if (type == "ay") {
        wire::put(message, std::vector<std::uint8_t>(count, 255));
    } else if (type == "ai") {
        wire::put(message, std::vector<std::int32_t>(count, turn % 2 == 0 ? -1 : 7));
    } else if (type == "as") {
        wire::put(message, std::vector<std::string>(count, turn % 2 == 0 ? "=" : "A=\n"));
    } else if (type == "ah") {
        wire::put(message,
                  std::vector<BorrowedFd>(std::min<std::size_t>(count, 16), BorrowedFd{some_descriptor(turn).get()}));
    } else if (type == "a(sv)") {
        Options options;
        for (std::size_t at = 0; at < (count > 1000 ? 10'000 : count); ++at)
            options.emplace_back(turn % 2 == 0 ? "" : "Description",
                                 turn % 4 < 2 ? Variant{std::uint8_t{1}} : Variant{std::string(100, 'x')});
        wire::put(message, options);
    } else if (type == "a{sv}") {
        NamedValues values;
        for (std::size_t at = 0; at < (count > 1000 ? 10'000 : count); ++at)
            values.emplace("key" + std::to_string(at), std::uint8_t{1});
        wire::put(message, values);
    } else {
        FAIL() << "no hostile values for '" << type << "'";
    }
}

} // namespace

TEST_F(TheContract, IsWhatTheServiceSaysOfItself) {
    (void)register_machine("web", leader.number());

    const auto manager_members = members_of(introspection(manager_path));
    const auto machine_members = members_of(introspection(machine_path("web")));
    const auto image_members = members_of(introspection("/org/freedesktop/machine1/image/_2ehost"));

    EXPECT_THAT(manager_members, IsSupersetOf(members_of(contract::org_freedesktop_machine1_Manager)));
    EXPECT_THAT(manager_members, IsSupersetOf(members_of(contract::io_machinist_Manager1)));
    EXPECT_THAT(machine_members, IsSupersetOf(members_of(contract::org_freedesktop_machine1_Machine)));
    EXPECT_THAT(machine_members, IsSupersetOf(members_of(contract::io_machinist_Machine1)));
    EXPECT_THAT(image_members, IsSupersetOf(members_of(contract::org_freedesktop_machine1_Image)));
    EXPECT_THAT(members_of(introspection("/org/freedesktop/import1")),
                IsSupersetOf(members_of(contract::org_freedesktop_import1_Manager)));
    EXPECT_THAT(manager_members,
                Contains("org.freedesktop.machine1.Manager method CreateMachineWithNetwork(s name,ay id,"
                         "s service,s class,u leader,s root_directory,ai ifindices,a(sv) "
                         "scope_properties,)o machine,"));
    EXPECT_THAT(machine_members, Contains("org.freedesktop.machine1.Machine method Kill(s whom,i signal,)"));
    // Whatever is ours and not in the contract would be undocumented.
    auto documented = members_of(contract::org_freedesktop_machine1_Manager);
    documented.merge(members_of(contract::io_machinist_Manager1));
    for (const std::string& member : manager_members)
        EXPECT_TRUE(member.starts_with("org.freedesktop.DBus.") || documented.contains(member)) << member;
}

TEST_F(TheContract, GivesAllPropertiesOfAllInterfacesForAnEmptyName) {
    (void)register_machine("web", leader.number());

    const auto all = properties(machine_path("web"), "");

    for (const char* name : {"Name", "Id", "Timestamp", "TimestampMonotonic", "Service", "Unit", "Leader", "Class",
                             "RootDirectory", "NetworkInterfaces", "State", "Owner"})
        EXPECT_TRUE(all.contains(name)) << name;
    EXPECT_FALSE(all.contains("Scope"));
    EXPECT_EQ(property(machine_path("web"), machine_interface, "Scope").take<Variant>(), Variant{std::string{}});
}

TEST_F(TheContract, HasTheHostAsAMachine) {
    const auto host = properties(machine_path(".host"), machine_interface);

    EXPECT_EQ(host.at("Name"), Variant{std::string{".host"}});
    EXPECT_EQ(host.at("Class"), Variant{std::string{"host"}});
    EXPECT_EQ(host.at("Leader"), Variant{std::uint32_t{1}});
    EXPECT_EQ(host.at("RootDirectory"), Variant{std::string{"/"}});
    EXPECT_EQ(host.at("Unit"), Variant{std::string{"-.slice"}});
}

TEST_F(TheContract, HasAnObjectManagerWithEveryMachine) {
    (void)register_machine("web", leader.number());

    const auto objects =
        call_at(*root, manager_path, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", {}).message;

    wire::read(sd_bus_message_enter_container(objects.get(), 'a', "{oa{sa{sv}}}"));
    std::set<std::string> paths;
    while (sd_bus_message_at_end(objects.get(), 0) == 0) {
        wire::read(sd_bus_message_enter_container(objects.get(), 'e', "oa{sa{sv}}"));
        paths.insert(wire::get<ObjectPath>(objects.get()).text);
        wire::read(sd_bus_message_skip(objects.get(), "a{sa{sv}}"));
        wire::read(sd_bus_message_exit_container(objects.get()));
    }
    EXPECT_THAT(paths, IsSupersetOf({machine_path("web"), machine_path(".host")}));
}

TEST_F(TheContract, ListsAllMachinesWithAllThatIsKnownInOneCall) {
    (void)create_machine("web", leader.number());

    const auto all =
        call_at(*root, manager_path, "io.machinist.Manager1", "ListMachines", {}).take<std::vector<NamedValues>>();

    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].at("Name"), Variant{std::string{"web"}});
    EXPECT_EQ(all[0].at("Unit"), Variant{std::string{"machine-web.scope"}});
    EXPECT_EQ(all[0].at("Owner"), Variant{std::uint32_t{0}});
}

TEST_F(TheContract, RefusesOtherSignatures) {
    for (const Member& member : contract::org_freedesktop_machine1_Manager.members) {
        if (member.kind != MemberKind::method)
            continue;
        EXPECT_EQ(call_at(*root, manager_path, manager_interface, member.name, filling(ObjectPath{"/"}, 5.0)).error,
                  "org.freedesktop.DBus.Error.InvalidArgs")
            << member.name;
    }
}

TEST_F(TheContract, IsKeptWithHostileValuesOfEveryType) {
    (void)create_machine("kept", leader.number());
    std::filesystem::create_directories(pool() / "kept/usr");
    const auto interfaces = {
        std::pair{&contract::org_freedesktop_machine1_Manager, std::string{manager_path}},
        std::pair{&contract::org_freedesktop_import1_Manager, std::string{"/org/freedesktop/import1"}},
        std::pair{&contract::org_freedesktop_import1_Transfer, std::string{"/org/freedesktop/import1/transfer/_1"}},
        std::pair{&contract::io_machinist_Manager1, std::string{manager_path}},
        std::pair{&contract::org_freedesktop_machine1_Machine, machine_path("kept")},
        std::pair{&contract::org_freedesktop_machine1_Image, std::string{"/org/freedesktop/machine1/image/kept"}},
        std::pair{&contract::io_machinist_Machine1, machine_path("kept")}};
    for (const auto& [interface, path] : interfaces)
        for (const Member& member : interface->members) {
            // What ends the machine or the image by right has tests of its own.
            if (member.kind != MemberKind::method || std::strcmp(member.name, "Terminate") == 0 ||
                std::strcmp(member.name, "Remove") == 0 || std::strcmp(member.name, "Rename") == 0)
                continue;
            for (int turn = 0; turn < static_cast<int>(hostile_texts.size()); ++turn) {
                // Which would copy this computer.
                if (std::strcmp(member.name, "CloneImage") == 0 &&
                    hostile_texts[static_cast<std::size_t>(turn)] == ".host")
                    continue;
                const Outcome outcome =
                    call_at(*root, path, interface->name, member.name, [&](sd_bus_message* message) {
                        int shift = turn;
                        for (const char* rest = member.in; *rest != '\0'; ++shift)
                            put_hostile(message, next_type(rest), shift);
                    });
                ASSERT_NE(outcome.error, "no answer") << interface->name << "." << member.name << " turn " << turn;
                EXPECT_THAT(outcome.sentence, Not(HasSubstr("inside"))) << interface->name << "." << member.name;
                ASSERT_TRUE(daemon_runs()) << interface->name << "." << member.name << " turn " << turn;
            }
        }
    EXPECT_THAT(names(), Contains("kept"));
}

TEST_F(TheContract, BearsCallersThatVanishInTheMiddle) {
    (void)create_machine("web", leader.number());
    for (int round = 0; round < 50; ++round) {
        auto caller = bus.connect(loop);
        (void)begin(*caller, "ListMachines", {});
        (void)begin(*caller, "KillMachine", filling(std::string{"web"}, std::string{"all"}, std::int32_t{10}));
        caller.reset();
    }
    EXPECT_THAT(names(), Contains("web"));
}

} // namespace machinist::testing
