// SPDX-License-Identifier: LGPL-2.1-or-later
// io.systemd.UserDatabase: users and groups of machines with users of their own, as "vu-MACHINE-UID" and
// "vg-MACHINE-GID" on the host.
#include "base/failure.hpp"
#include "base/text.hpp"
#include "daemon/own_users.hpp"
#include "daemon/varlink_service.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace machinist {

namespace {

using nlohmann::json;
using varlink::InvalidParameter;
using varlink::Parameters;

constexpr const char* own_service = "io.systemd.Machine";
constexpr const char* no_record = "io.systemd.UserDatabase.NoRecordFound";
constexpr std::uint32_t nobody = 65534;

struct Kind {
    const char* id_key;
    const char* name_key;
    const char* least_key;
    const char* most_key;
    std::string_view prefix;
    std::vector<IdMap> IdMappings::*maps;
    json (*record)(const std::string& name, std::uint32_t outside, const std::string& description);
};

json user_record(const std::string& name, std::uint32_t outside, const std::string& description) {
    return {{"userName", name},      {"uid", outside},
            {"gid", nobody},         {"realName", "UID " + description},
            {"homeDirectory", "/"},  {"shell", "/usr/sbin/nologin"},
            {"locked", true},        {"disposition", "container"},
            {"service", own_service}};
}

json group_record(const std::string& name, std::uint32_t outside, const std::string& description) {
    return {{"groupName", name},
            {"gid", outside},
            {"description", "GID " + description},
            {"disposition", "container"},
            {"service", own_service}};
}

constexpr Kind users{.id_key = "uid",
                     .name_key = "userName",
                     .least_key = "uidMin",
                     .most_key = "uidMax",
                     .prefix = "vu-",
                     .maps = &IdMappings::users,
                     .record = user_record};
constexpr Kind groups{.id_key = "gid",
                      .name_key = "groupName",
                      .least_key = "gidMin",
                      .most_key = "gidMax",
                      .prefix = "vg-",
                      .maps = &IdMappings::groups,
                      .record = group_record};

struct Found {
    std::string machine;
    std::uint32_t inside = 0;
    std::uint32_t outside = 0;

    bool operator==(const Found&) const = default;
};

std::optional<Found> find_id(const Service& service, const Kind& kind, std::uint64_t id) {
    if (id < first_id_of_machines || id > std::numeric_limits<std::uint32_t>::max())
        return std::nullopt;
    const auto outside = static_cast<std::uint32_t>(id);
    const auto found = find_by_own_users(
        service.registry, [&](const IdMappings& mappings) { return inside_of(mappings.*kind.maps, outside); });
    if (!found)
        return std::nullopt;
    return Found{.machine = found->first->name(), .inside = found->second, .outside = outside};
}

std::optional<Found> find_name(const Service& service, const Kind& kind, const std::string& text) {
    const auto dash = text.rfind('-');
    if (!text.starts_with(kind.prefix) || dash < kind.prefix.size())
        return std::nullopt;
    const std::string machine = text.substr(kind.prefix.size(), dash - kind.prefix.size());
    const std::string digits = text.substr(dash + 1);
    const auto inside = parse_integer<std::uint32_t>(digits);
    // One id has one name.
    if (!inside || std::to_string(*inside) != digits)
        return std::nullopt;
    const auto* registered = service.registry.find(machine);
    const auto mappings = registered == nullptr ? std::nullopt : own_users_of(*registered);
    const auto outside = mappings ? outside_of((*mappings).*kind.maps, *inside) : std::nullopt;
    if (!outside || *outside < first_id_of_machines)
        return std::nullopt;
    return Found{.machine = machine, .inside = *inside, .outside = *outside};
}

bool is_asked(const varlink::Call& call, Parameters& parameters) {
    if (parameters.text("service") == own_service)
        return true;
    call.fail("io.systemd.UserDatabase.BadService");
    return false;
}

void look_up(const Service& service, const Kind& kind, const varlink::Call& call, Parameters& parameters) {
    const auto id = parameters.optional_number(kind.id_key);
    const auto name = parameters.optional_text(kind.name_key);
    const auto dispositions = parameters.optional_texts("dispositionMask");
    const auto least = parameters.optional_number(kind.least_key);
    const auto most = parameters.optional_number(kind.most_key);
    const auto uuid = parameters.optional_text("uuid");
    (void)parameters.optional_texts("fuzzyNames");
    const bool is_ours = is_asked(call, parameters);
    parameters.end();
    if (!is_ours)
        return;
    // Each machine has 65536 of them.
    if (!id && !name)
        return call.fail("io.systemd.UserDatabase.EnumerationNotSupported");
    const auto by_id = id ? find_id(service, kind, *id) : std::nullopt;
    const auto by_name = name ? find_name(service, kind, *name) : std::nullopt;
    const auto& found = id ? by_id : by_name;
    if (id && name && by_id != by_name && (by_id || by_name))
        return call.fail("io.systemd.UserDatabase.ConflictingRecordFound");
    if (!found || uuid)
        return call.fail(no_record);
    if ((least && found->outside < *least) || (most && found->outside > *most) ||
        (dispositions && std::ranges::find(*dispositions, "container") == dispositions->end()))
        return call.fail("io.systemd.UserDatabase.NonMatchingRecordFound");
    const std::string inside = std::to_string(found->inside);
    call.reply({{"record", kind.record(std::string{kind.prefix} + found->machine + "-" + inside, found->outside,
                                       inside + " of Container " + found->machine)},
                {"incomplete", false}});
}

void look_up_memberships(const varlink::Call& call, Parameters& parameters) {
    (void)parameters.optional_text("userName");
    (void)parameters.optional_text("groupName");
    const bool is_ours = is_asked(call, parameters);
    parameters.end();
    if (is_ours)
        call.fail(no_record);
}

} // namespace

void attach_varlink_users(VarlinkService& varlink, Service& service) {
    varlink.method("io.systemd.UserDatabase.GetUserRecord",
                   [&service](const varlink::Call& call, Parameters& of) { look_up(service, users, call, of); });
    varlink.method("io.systemd.UserDatabase.GetGroupRecord",
                   [&service](const varlink::Call& call, Parameters& of) { look_up(service, groups, call, of); });
    varlink.method("io.systemd.UserDatabase.GetMemberships", look_up_memberships);
}

} // namespace machinist
