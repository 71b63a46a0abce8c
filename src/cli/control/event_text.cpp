// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/event_text.hpp"

#include "base/text.hpp"
#include "bus/wire.hpp"
#include "cli/control/clock_text.hpp"

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

namespace machinist {

namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json basic(sd_bus_message* message, char type) {
    T value{};
    wire::read(sd_bus_message_read_basic(message, type, &value));
    return value;
}

Json read_one(sd_bus_message* message);

Json read_all_of(sd_bus_message* message) {
    Json values = Json::array();
    while (wire::read(sd_bus_message_at_end(message, 0)) == 0)
        values.push_back(read_one(message));
    return values;
}

Json read_map(sd_bus_message* message, const char* entry) {
    Json values = Json::object();
    while (wire::read(sd_bus_message_enter_container(message, 'e', entry)) > 0) {
        const Json key = read_one(message);
        values[key.is_string() ? key.get<std::string>() : key.dump()] = read_one(message);
        wire::read(sd_bus_message_exit_container(message));
    }
    return values;
}

Json read_container(sd_bus_message* message, char type, const char* contents) {
    wire::read(sd_bus_message_enter_container(message, type, contents));
    Json value;
    if (type == 'v') {
        value = read_one(message);
    } else if (type == 'a' && *contents == '{') {
        const std::string entry{contents + 1, std::string_view{contents}.size() - 2};
        value = read_map(message, entry.c_str());
    } else {
        value = read_all_of(message);
    }
    wire::read(sd_bus_message_exit_container(message));
    return value;
}

Json read_one(sd_bus_message* message) {
    char type = 0;
    const char* contents = nullptr;
    wire::read(sd_bus_message_peek_type(message, &type, &contents));
    switch (type) {
    case 'b': return basic<int>(message, type) != 0;
    case 'y': return basic<std::uint8_t>(message, type);
    case 'n': return basic<std::int16_t>(message, type);
    case 'q': return basic<std::uint16_t>(message, type);
    case 'i': return basic<std::int32_t>(message, type);
    case 'u': return basic<std::uint32_t>(message, type);
    case 'x': return basic<std::int64_t>(message, type);
    case 't': return basic<std::uint64_t>(message, type);
    case 'd': return basic<double>(message, type);
    case 's':
    case 'o':
    case 'g': return basic<const char*>(message, type);
    case 'h': wire::read(sd_bus_message_skip(message, "h")); return nullptr;
    default: return read_container(message, type, contents);
    }
}

// "/org/freedesktop/machine1/machine/web_2d1": "machine" and "web-1".
std::pair<std::string, std::string> subject_of(std::string_view path) {
    constexpr std::string_view root = "/org/freedesktop/";
    if (!path.starts_with(root))
        return {};
    const auto parts = split(path.substr(root.size()), '/');
    if (parts.size() != 3)
        return {};
    std::string name;
    for (std::size_t at = 0; at < parts[2].size(); ++at) {
        const auto byte =
            parts[2][at] == '_' ? parse_integer<std::uint8_t>(parts[2].substr(at + 1, 2), 16) : std::nullopt;
        name += byte ? static_cast<char>(*byte) : parts[2][at];
        at += byte ? 2 : 0;
    }
    if (parts[1] == "job" || parts[1] == "transfer")
        name = parts[2].starts_with('_') ? parts[2].substr(1) : parts[2];
    return {std::string{parts[1]}, name};
}

Event finished(Json&& event) {
    const std::uint64_t now = realtime_now();
    Json whole;
    whole["timestamp"] = now;
    whole.update(event);
    std::string words = timestamp_text(now);
    for (const auto& [key, value] : event.items()) {
        if (key == "interface")
            continue;
        const std::string text = value.is_string() ? escaped_for_people(value.get<std::string>())
                                                   : value.dump(-1, ' ', false, Json::error_handler_t::replace);
        words += key == "event" ? "  " + text : " " + key + "=" + text;
    }
    return {.json = whole.dump(-1, ' ', false, Json::error_handler_t::replace), .words = std::move(words)};
}

} // namespace

Event event_of_signal(sd_bus_message* signal) {
    const std::string path = sd_bus_message_get_path(signal);
    const std::string member = sd_bus_message_get_member(signal);
    const std::string interface = sd_bus_message_get_interface(signal);
    Json arguments = read_all_of(signal);
    Json event;
    event["event"] = member;
    const auto [kind, name] = subject_of(path);
    if (!kind.empty())
        event[kind] = name;
    if (member == "PropertiesChanged" && arguments.size() == 3) {
        event["interface"] = arguments[0];
        event["changed"] = arguments[1];
        if (!arguments[2].empty())
            event["invalidated"] = arguments[2];
        return finished(std::move(event));
    }
    if ((member == "MachineNew" || member == "MachineRemoved") && arguments.size() == 2) {
        event["machine"] = arguments[0];
    } else if ((member == "JobNew" || member == "JobRemoved") && arguments.size() >= 2) {
        event["job"] = std::to_string(arguments[0].get<std::uint32_t>());
        if (arguments.size() > 2)
            event["state"] = arguments[2];
    } else if (member == "Finished" && arguments.size() == 2) {
        event["state"] = arguments[0];
        event["status"] = arguments[1];
    } else {
        event["arguments"] = std::move(arguments);
    }
    event["interface"] = interface;
    return finished(std::move(event));
}

Event event_of_machine(const std::string& name, const std::string& member, const std::string& state) {
    Json event;
    event["event"] = member;
    event["machine"] = name;
    if (member == "PropertiesChanged")
        event["changed"] = Json{{"State", state}};
    return finished(std::move(event));
}

Event event_of_service(const std::string& name, bool is_there) {
    Json event;
    event["event"] = is_there ? "ServiceNew" : "ServiceRemoved";
    event["service"] = name;
    return finished(std::move(event));
}

} // namespace machinist
