// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/bound_user_records.hpp"

#define JSON_NO_IO
#include <nlohmann/json.hpp>

namespace machinist {

namespace {

using Json = nlohmann::ordered_json;

// Who may be asked about the record, as systemd-nspawn calls itself.
constexpr const char* service = "io.systemd.NSpawn";

std::string written(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json user_record(const BoundUser& user) {
    Json record{{"userName", user.name}, {"uid", user.id}, {"gid", user.id}, {"disposition", "regular"}};
    if (!user.real_name.empty())
        record["realName"] = user.real_name;
    record["homeDirectory"] = home_in_machine(user).native();
    if (!user.shell.empty())
        record["shell"] = user.shell;
    if (!user.groups.empty())
        record["memberOf"] = user.groups;
    record["service"] = service;
    return record;
}

Json secrets_of(const BoundUser& user) {
    Json secrets = Json::object();
    if (!user.password.empty())
        secrets["hashedPassword"] = Json::array({user.password});
    if (!user.ssh_keys.empty())
        secrets["sshAuthorizedKeys"] = user.ssh_keys;
    return Json{{"privileged", secrets}};
}

} // namespace

Path home_in_machine(const BoundUser& user) {
    return Path{"/run/host/home"} / user.name;
}

std::vector<RecordFile> records_of(const BoundUser& user) {
    const std::string id = std::to_string(user.id);
    const Json group{{"groupName", user.name}, {"gid", user.id}, {"disposition", "regular"}, {"service", service}};
    std::vector<RecordFile> files{
        {user.name + ".user", written(user_record(user))},
        {user.name + ".user-privileged", written(secrets_of(user)), true},
        {user.name + ".group", written(group)},
        {user.name + ".group-privileged", written(Json{{"privileged", Json::object()}}), true}};
    for (const char* kind : {".user", ".user-privileged", ".group", ".group-privileged"})
        files.push_back({id + kind, user.name + kind, false, true});
    for (const std::string& member_of : user.groups)
        files.push_back({user.name + ":" + member_of + ".membership", ""});
    return files;
}

} // namespace machinist
