// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/storage_provider.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/unix_connection.hpp"
#include "cli/control/varlink_client.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <sys/stat.h>
#include <sys/time.h>

namespace machinist {

namespace {

using nlohmann::json;

constexpr std::string_view interface = "io.systemd.StorageProvider.";
constexpr timeval patience{.tv_sec = 90, .tv_usec = 0}; // a person may be asked, and a volume made

struct Refusal {
    std::string_view error;
    FailureKind kind;
    const char* sentence;
};
constexpr Refusal refusals[]{
    {"NoSuchVolume", FailureKind::not_found, "there is no such volume"},
    {"VolumeExists", FailureKind::already_exists, "there is such a volume already"},
    {"NoSuchTemplate", FailureKind::not_found, "there is no such template"},
    {"BadTemplate", FailureKind::invalid, "the template makes volumes of another kind"},
    {"TypeNotSupported", FailureKind::not_supported, "the provider has no volumes of this kind"},
    {"WrongType", FailureKind::invalid, "the volume is of another kind"},
    {"CreateNotSupported", FailureKind::not_supported, "the provider makes no volumes of this kind"},
    {"CreateSizeRequired", FailureKind::invalid, "to be made it needs a size, 'size=BYTES'"},
    {"ReadOnlyVolume", FailureKind::not_permitted, "the volume is read-only"}};

Failure failure_for(std::string_view error) {
    const std::string_view name = error.starts_with(interface) ? error.substr(interface.size()) : error;
    const auto* known = std::ranges::find(refusals, name, &Refusal::error);
    if (known != std::end(refusals))
        return Failure{known->kind, known->sentence};
    return Failure{FailureKind::system, "the provider answers " + escaped_for_people(error.substr(0, 200))};
}

std::string question(const VolumeWish& wish, bool may_ask) {
    json parameters{{"name", wish.volume}};
    const auto add = [&](const char* key, const std::string& value) {
        if (!value.empty())
            parameters[key] = value;
    };
    add("createMode", wish.create);
    add("template", wish.model);
    add("requestAs", wish.request_as);
    if (wish.read_only)
        parameters["readOnly"] = *wish.read_only;
    if (wish.size)
        parameters["createSizeBytes"] = *wish.size;
    if (may_ask)
        parameters["allowInteractiveAuthentication"] = true;
    return json{{"method", std::string{interface} + "Acquire"}, {"parameters", parameters}}.dump();
}

std::uint64_t number_of(const json& parameters, const char* key) {
    const auto value = parameters.find(key);
    if (value == parameters.end() || value->is_null())
        return 0;
    // 65536 of them are asked for.
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max() - 65536U;
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() > most)
        throw Failure{FailureKind::hostile, std::string{"the provider's "} + key + " is no number that can be"};
    return value->get<std::uint64_t>();
}

bool is_of(const std::string& type, BorrowedFd descriptor) {
    const mode_t kind = status_of(descriptor).st_mode & S_IFMT;
    return (type == "dir" && kind == S_IFDIR) || (type == "reg" && kind == S_IFREG) ||
           (type == "blk" && kind == S_IFBLK);
}

Volume volume_of(VarlinkAnswer answer) {
    const auto message = json::parse(answer.text, nullptr, false);
    if (!message.is_object())
        throw Failure{FailureKind::hostile, "the provider answers nonsense"};
    if (const auto error = message.find("error"); error != message.end())
        throw failure_for(error->is_string() ? error->get<std::string>() : "?");
    const auto parameters = message.value("parameters", json::object());
    if (!parameters.is_object())
        throw Failure{FailureKind::hostile, "the provider answers nonsense"};
    const auto type = parameters.find("type");
    const auto read_only = parameters.find("readOnly");
    const std::uint64_t index = number_of(parameters, "fileDescriptorIndex");
    if (index >= answer.descriptors.size() || type == parameters.end() || !type->is_string() ||
        read_only == parameters.end() || !read_only->is_boolean())
        throw Failure{FailureKind::hostile, "the provider's answer has no volume in it"};
    Volume volume{.descriptor = std::move(answer.descriptors[index]),
                  .type = type->get<std::string>(),
                  .read_only = read_only->get<bool>(),
                  .base_uid = static_cast<std::uint32_t>(number_of(parameters, "baseUID")),
                  .base_gid = static_cast<std::uint32_t>(number_of(parameters, "baseGID"))};
    if (!is_of(volume.type, volume.descriptor))
        throw Failure{FailureKind::hostile, "the provider's volume is not what it says"};
    return volume;
}

} // namespace

Volume acquire_volume(const VolumeWish& wish, bool may_ask, const std::string& providers) {
    return doing("volume '" + escaped_for_people(wish.name()) + "'", [&] {
        const std::string path = providers + "/" + wish.provider;
        if (std::error_code error; !std::filesystem::exists(path, error))
            throw Failure{FailureKind::not_found, "this host has no such storage provider"}.try_instead(
                "one of those in " + providers);
        const UniqueFd socket = connect_to_path(path, patience);
        return volume_of(call_varlink(socket, question(wish, may_ask)));
    });
}

} // namespace machinist
