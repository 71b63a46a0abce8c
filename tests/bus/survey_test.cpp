// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inhabited_machine.hpp"
#include "service.hpp"

#include <gmock/gmock.h>

namespace machinist::testing {

namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

constexpr const char* debian = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n";
constexpr const char* inspect = "org.freedesktop.machine1.inspect-machines";

struct Finding {
    std::string name;
    std::string machine_class;
    std::string system;
    std::string version;
    std::string title;
    std::vector<std::string> addresses;
};

class ASurvey : public AService {
protected:
    using Words = std::vector<std::string>;
    static std::vector<Finding> findings_of(const Outcome& outcome) {
        using Row =
            std::tuple<std::string, std::string, std::string, ObjectPath, std::string, std::string, std::string, Words>;
        std::vector<Finding> findings;
        for (const auto& [name, machine_class, service, object, system, version, title, addresses] :
             outcome.take<std::vector<Row>>())
            findings.push_back({name, machine_class, system, version, title, addresses});
        return findings;
    }
    Outcome survey(const Words& machines, const Words& facts) {
        return call_at(*root, manager_path, "io.machinist.Manager1", "SurveyMachines", filling(machines, facts));
    }
    Outcome somebodys_survey(const Words& machines, const Words& facts) {
        return call_at(somebody_else(), manager_path, "io.machinist.Manager1", "SurveyMachines",
                       filling(machines, facts));
    }
};

} // namespace

TEST_F(ASurvey, TellsSystemAndAddressesOfEachMachine) {
    const InhabitedMachine web{debian, "10.9.8.7"};
    const InhabitedMachine db{"ID=void\n"};
    (void)register_machine("web", web.number());
    (void)register_machine("db", db.number());

    const auto findings = findings_of(survey({"db", "web"}, {"system", "addresses"}));

    EXPECT_THAT(findings, ElementsAre(AllOf(Field(&Finding::name, "db"), Field(&Finding::system, "void"),
                                            Field(&Finding::version, ""), Field(&Finding::addresses, IsEmpty())),
                                      AllOf(Field(&Finding::name, "web"), Field(&Finding::machine_class, "container"),
                                            Field(&Finding::system, "debian"), Field(&Finding::version, "12"),
                                            Field(&Finding::title, "Debian GNU/Linux 12"),
                                            Field(&Finding::addresses, ElementsAre("10.9.8.7")))));
}

TEST_F(ASurvey, OfNoneInParticularIsOfAllAndTheHost) {
    const Leader leader;
    (void)register_machine("web", leader.number());

    EXPECT_THAT(findings_of(survey({}, {})), ElementsAre(Field(&Finding::name, ".host"), Field(&Finding::name, "web")));
}

TEST_F(ASurvey, TellsNothingThatWasNotAsked) {
    const InhabitedMachine web{debian, "10.9.8.7"};
    (void)register_machine("web", web.number());

    EXPECT_THAT(findings_of(survey({"web"}, {"system"})),
                ElementsAre(AllOf(Field(&Finding::system, "debian"), Field(&Finding::addresses, IsEmpty()))));
    EXPECT_THAT(findings_of(survey({"web"}, {"addresses"})),
                ElementsAre(AllOf(Field(&Finding::system, ""), Field(&Finding::addresses, ElementsAre("10.9.8.7")))));
}

TEST_F(ASurvey, TakesNothingOfTheHostForTheMachines) {
    const Leader leader; // sees the host's root and network
    (void)register_machine("web", leader.number());

    EXPECT_THAT(findings_of(survey({"web"}, {"system", "addresses"})),
                ElementsAre(AllOf(Field(&Finding::system, ""), Field(&Finding::addresses, IsEmpty()))));
}

TEST_F(ASurvey, TellsTheSystemToThoseOnlyWhoMayKnow) {
    const InhabitedMachine web{debian, "10.9.8.7"};
    (void)register_machine("web", web.number());

    EXPECT_THAT(findings_of(somebodys_survey({"web"}, {"system", "addresses"})),
                ElementsAre(AllOf(Field(&Finding::system, ""), Field(&Finding::addresses, ElementsAre("10.9.8.7")))));
    polkit.allowed.insert(inspect);
    EXPECT_THAT(findings_of(somebodys_survey({"web"}, {"system"})), ElementsAre(Field(&Finding::system, "debian")));
}

TEST_F(ASurvey, LeavesOutWhatAMachineMakesUnreadable) {
    for (const std::string& text : {std::string(100'000, 'x'), std::string{"ID=\"\x1b[31m\"\n"},
                                    std::string{"\xff\xfe"}, "ID=" + std::string(5'000, 'y') + "\n"}) {
        const InhabitedMachine web{text, "10.9.8.7"};
        (void)register_machine("web", web.number());

        EXPECT_THAT(
            findings_of(survey({"web"}, {"system", "addresses"})),
            ElementsAre(AllOf(Field(&Finding::system, ""), Field(&Finding::addresses, ElementsAre("10.9.8.7")))))
            << text.substr(0, 10);
        (void)manager("UnregisterMachine", std::string{"web"});
    }
}

TEST_F(ASurvey, FollowsNoLinkOutOfTheMachine) {
    const InhabitedMachine web{debian};
    std::filesystem::remove(web.root().path() / "etc/os-release");
    std::filesystem::create_symlink("../../../../../etc/os-release", web.root().path() / "etc/os-release");
    (void)register_machine("web", web.number());

    EXPECT_THAT(findings_of(survey({"web"}, {"system"})), ElementsAre(Field(&Finding::system, "")));
}

TEST_F(ASurvey, IsRefusedForUnknownMachinesAndFacts) {
    EXPECT_EQ(survey({"nosuch"}, {"system"}).error, "org.freedesktop.machine1.NoSuchMachine");
    EXPECT_EQ(survey({}, {"height"}).error, "org.freedesktop.DBus.Error.InvalidArgs");
}

} // namespace machinist::testing
