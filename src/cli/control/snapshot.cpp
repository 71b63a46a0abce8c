// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/clock_text.hpp"
#include "cli/control/image_verbs.hpp"
#include "cli/control/leftovers.hpp"
#include "cli/control/table.hpp"
#include "image/snapshots.hpp"

#include <cstdio>
#include <ctime>

namespace machinist {

namespace {

std::string name_by_time() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    char text[32];
    if (!::localtime_r(&now, &local) || std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &local) == 0)
        throw Failure{FailureKind::internal, "name a snapshot by the time"};
    return text;
}

int create(const Invocation& call, const Pool& pool) {
    const std::string name = call.words.size() > 2 ? call.words[2] : name_by_time();
    create_snapshot(pool, call.words[1], name);
    if (call.words.size() == 2 && !call.quiet)
        std::printf("%s\n", name.c_str());
    return 0;
}

int list(const Invocation& call, const Pool& pool) {
    Table table{{"IMAGE", "SNAPSHOT", "TYPE", "CREATED"}};
    for (const Snapshot& snapshot : list_snapshots(pool, call.words.size() > 1 ? call.words[1] : ""))
        table.add({snapshot.image, snapshot.state.name, std::string{name_of(image_type_names, snapshot.state.type)},
                   timestamp_text(snapshot.state.created)},
                  {"", "", "", std::to_string(snapshot.state.created)});
    table.print(call, "snapshots");
    return 0;
}

int restore(const Invocation& call, const Pool& pool) {
    delete_behind(call, pool, restore_snapshot(pool, call.words[1], call.words[2]));
    return 0;
}

int remove(const Invocation& call, const Pool& pool) {
    delete_behind(call, pool, remove_snapshot(pool, call.words[1], call.words[2]));
    return 0;
}

struct Deed {
    std::string_view name;
    std::size_t fewest; // words, with its own
    std::size_t most;
    int (*run)(const Invocation& call, const Pool& pool);
};
constexpr Deed deeds[]{
    {"create", 2, 3, create}, {"list", 1, 2, list}, {"restore", 3, 3, restore}, {"remove", 3, 3, remove}};

} // namespace

int handle_snapshots(const Invocation& call, const MachineStore&) {
    for (const Deed& deed : deeds) {
        if (deed.name != call.words[0])
            continue;
        if (call.words.size() < deed.fewest || call.words.size() > deed.most)
            throw Failure{FailureKind::usage,
                          "'snapshot " + call.words[0] + "' takes " +
                              (deed.fewest == 3 ? "an image and a snapshot" : "an image, and perhaps a name")};
        return deed.run(call, Pool{});
    }
    throw Failure{FailureKind::usage,
                  "'snapshot " + escaped_for_people(call.words[0]) + "' is none of create, list, restore and remove"};
}

} // namespace machinist
