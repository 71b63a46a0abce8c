// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading, and showing; writing is in spec_json_text.cpp.
#include "spec/spec_json.hpp"

#include "base/base64.hpp"
#include "base/failure.hpp"
#include "base/signal_names.hpp"
#include "base/text.hpp"
#include "spec/address_families.hpp"
#include "spec/capability_names.hpp"
#include "spec/network_plan.hpp"
#include "spec/resource_limits.hpp"
#include "spec/spec_enum_names.hpp"
#include "spec/spec_fields.hpp"

#define JSON_NO_IO
#include <nlohmann/json.hpp>

namespace machinist {

namespace {

using Json = nlohmann::ordered_json;
using namespace spec_fields;

class Reader {
public:
    Reader(const Json& json, std::string place) : json_(json), place_(std::move(place)) {
        if (!json.is_object())
            refuse(place_, "is no object");
    }

    template <typename Value>
    void operator()(const char* name, Value&& value) {
        const std::string place = place_.empty() ? name : place_ + "." + name;
        const auto member = json_.find(name);
        if (member != json_.end())
            read(*member, value, place);
        // What the version that wrote it did not know is as it was then: at its default.
        else if (place == "name")
            refuse(place, "is missing");
    }

private:
    [[noreturn]] static void refuse(const std::string& place, const char* why) {
        throw Failure{FailureKind::invalid, "read a machine's spec: '" + place + "' " + why};
    }

    static void read(const Json& json, bool& value, const std::string& place) {
        if (!json.is_boolean())
            refuse(place, "is no boolean");
        value = json.get<bool>();
    }
    template <std::integral Number>
    static void read(const Json& json, Number& value, const std::string& place) {
        if (json.is_number_unsigned() && std::in_range<Number>(json.get<std::uint64_t>()))
            value = static_cast<Number>(json.get<std::uint64_t>());
        else if (!json.is_number_unsigned() && json.is_number_integer() &&
                 std::in_range<Number>(json.get<std::int64_t>()))
            value = static_cast<Number>(json.get<std::int64_t>());
        else
            refuse(place, "is no integer in its range");
    }
    static void read(const Json& json, std::string& text, const std::string& place) {
        if (json.is_string()) {
            text = json.get_ref<const std::string&>();
            return;
        }
        const auto wrapped = json.is_object() ? json.find("base64") : json.end();
        const bool is_wrapped = json.is_object() && wrapped != json.end() && wrapped->is_string();
        const auto bytes = is_wrapped ? from_base64(wrapped->get_ref<const std::string&>()) : std::nullopt;
        if (!bytes)
            refuse(place, "is no text");
        text = *bytes;
    }
    static std::string text_at(const Json& json, const std::string& place) {
        std::string text;
        read(json, text, place);
        return text;
    }
    static void read(const Json& json, Path& path, const std::string& place) {
        path = text_at(json, place);
        if (path.native().find('\0') != std::string::npos)
            refuse(place, "is no path");
    }
    static void read(const Json& json, MachineName& name, const std::string& place) {
        const auto parsed = MachineName::parse(text_at(json, place));
        if (!parsed)
            refuse(place, "is no name of a machine");
        name = *parsed;
    }
    static void read(const Json& json, MachineId& id, const std::string& place) {
        const std::string text = text_at(json, place);
        const auto parsed = MachineId::parse(text);
        if (!parsed && text != MachineId{}.plain())
            refuse(place, "is no id");
        id = parsed.value_or(MachineId{});
    }
    // IP and MAC addresses, as text.
    template <typename Address>
    requires std::same_as<Address, IpAddress> || std::same_as<Address, IpPrefix> || std::same_as<Address, MacAddress>
    static void read(const Json& json, Address& address, const std::string& place) {
        const auto parsed = Address::parse(text_at(json, place));
        if (!parsed)
            refuse(place, "is no address");
        address = *parsed;
    }
    static void read(const Json& json, Capabilities<CapabilityMask> capabilities, const std::string& place) {
        capabilities.mask = 0;
        for (const std::string& name : texts_at(json, place)) {
            auto bit = capability_named(name);
            if (!bit)
                bit = parse_integer<int>(name);
            if (!bit || *bit < 0 || *bit > 63)
                refuse(place, "names no capability");
            capabilities.mask |= capability_bit(*bit);
        }
    }
    static void read(const Json& json, Signal<std::optional<int>> signal, const std::string& place) {
        signal.number = json.is_null() ? std::nullopt : parse_signal(text_at(json, place));
        if (!signal.number && !json.is_null())
            refuse(place, "is no signal");
    }
    static void read(const Json& json, Families<std::vector<int>> families, const std::string& place) {
        families.numbers.clear();
        for (const std::string& name : texts_at(json, place)) {
            auto family = address_family_named(name);
            if (!family)
                family = parse_integer<int>(name);
            if (!family)
                refuse(place, "names no address family");
            families.numbers.push_back(*family);
        }
    }
    static void read(const Json& json, LimitValue<rlim_t> limit, const std::string& place) {
        if (json == "infinity")
            limit.value = RLIM_INFINITY;
        else
            read(json, limit.value, place);
    }
    static void read(const Json& json, Resource<int> resource, const std::string& place) {
        const auto number = limit_named(text_at(json, place));
        if (!number)
            refuse(place, "is no resource");
        resource.number = *number;
    }
    template <typename Enum>
    requires std::is_enum_v<Enum>
    static void read(const Json& json, Enum& value, const std::string& place) {
        const auto named = value_named(names_of(value), text_at(json, place));
        if (!named)
            refuse(place, "is none of the values that there are");
        value = *named;
    }
    template <typename Value>
    static void read(const Json& json, std::optional<Value>& value, const std::string& place) {
        if (json.is_null()) {
            value.reset();
            return;
        }
        Value held{};
        read(json, held, place);
        value = std::move(held);
    }
    template <typename Value>
    static void read(const Json& json, std::vector<Value>& values, const std::string& place) {
        if (!json.is_array())
            refuse(place, "is no list");
        values.clear();
        for (const Json& element : json) {
            const std::string element_place = place + "[" + std::to_string(values.size()) + "]";
            read(element, values.emplace_back(), element_place);
        }
    }
    static std::vector<std::string> texts_at(const Json& json, const std::string& place) {
        std::vector<std::string> texts;
        read(json, texts, place);
        return texts;
    }
    template <typename Struct>
    requires requires(Reader& reader, Struct& value) {
        fields(reader, value);
    }
    static void read(const Json& json, Struct& value, const std::string& place) {
        Reader reader{json, place};
        fields(reader, value);
    }

    const Json& json_;
    std::string place_;
};

} // namespace

MachineSpec spec_from_json(std::string_view text) {
    const Json json = Json::parse(text.begin(), text.end(), nullptr, false);
    if (json.is_discarded())
        throw Failure{FailureKind::invalid, "read a machine's spec: it is no JSON"};
    MachineSpec spec;
    Reader reader{json, ""};
    fields(reader, spec);
    return spec;
}

std::string dry_run_json(const MachineSpec& spec, const MountPlan& plan) {
    MachineSpec shown = spec;
    for (Credential& credential : shown.credentials)
        credential.value.clear();
    Json json;
    json["spec"] = Json::parse(to_json(shown));
    json["plan"] = Json::array();
    for (const MountStep& step : plan)
        json["plan"].push_back({{"target", escaped_for_people(step.target.native())},
                                {"what", escaped_for_people(describe_action(step))},
                                {"attributes", describe_attributes(step)},
                                {"side", step.side == MountSide::host ? "host" : "payload"},
                                {"why", step.why}});
    json["links"] = Json::array();
    for (const PlannedLink& link : plan_network(spec.network, spec.name).links)
        json["links"].push_back({{"kind", name_of(link_kind_names, link.kind)},
                                 {"host-name", escaped_for_people(link.host_name)},
                                 {"host-alternative", escaped_for_people(link.host_alternative)},
                                 {"host-mac", link.host_mac ? link.host_mac->text() : ""},
                                 {"machine-name", escaped_for_people(link.machine_name)},
                                 {"machine-alternative", escaped_for_people(link.machine_alternative)},
                                 {"machine-mac", link.machine_mac ? link.machine_mac->text() : ""},
                                 {"bridge", escaped_for_people(link.bridge)}});
    return json.dump(2);
}

} // namespace machinist
