// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/spec_json.hpp"

#include "base/base64.hpp"
#include "base/failure.hpp"
#include "base/signal_names.hpp"
#include "base/text.hpp"
#include "spec/address_families.hpp"
#include "spec/capability_names.hpp"
#include "spec/resource_limits.hpp"
#include "spec/spec_fields.hpp"

#define JSON_NO_IO
#include <nlohmann/json.hpp>

namespace machinist {

namespace {

using Json = nlohmann::ordered_json;
using namespace spec_fields;

constexpr EnumNames<Manner, 2> manner_names{{{Manner::machinist, "machinist"}, {Manner::nspawn, "nspawn"}}};

constexpr const auto& names_of(Manner) {
    return manner_names;
}
constexpr const auto& names_of(VolatileMode) {
    return volatile_mode_names;
}
constexpr const auto& names_of(LayerKind) {
    return layer_kind_names;
}
constexpr const auto& names_of(UserNamespaceKind) {
    return user_namespace_kind_names;
}
constexpr const auto& names_of(Ownership) {
    return ownership_names;
}
constexpr const auto& names_of(IdMapping) {
    return id_mapping_names;
}
constexpr const auto& names_of(ExtraMountKind) {
    return extra_mount_kind_names;
}
constexpr const auto& names_of(StartMode) {
    return start_mode_names;
}
constexpr const auto& names_of(ResolvConfMode) {
    return resolv_conf_mode_names;
}
constexpr const auto& names_of(TimezoneMode) {
    return timezone_mode_names;
}
constexpr const auto& names_of(LinkJournalMode) {
    return link_journal_mode_names;
}
constexpr const auto& names_of(ConsoleMode) {
    return console_mode_names;
}
constexpr const auto& names_of(ApiWritable) {
    return api_writable_names;
}

class Writer {
public:
    template <typename Value>
    void operator()(const char* name, const Value& value) {
        json_[name] = written(value);
    }
    Json take() {
        return std::move(json_);
    }

private:
    static Json written(bool value) {
        return value;
    }
    template <std::integral Number>
    static Json written(Number value) {
        return value;
    }
    static Json written(const std::string& text) {
        if (is_utf8(text))
            return text;
        Json wrapped;
        wrapped["base64"] = base64(text);
        return wrapped;
    }
    static Json written(const Path& path) {
        return written(path.native());
    }
    static Json written(const MachineName& name) {
        return name.text();
    }
    static Json written(const MachineId& id) {
        return id.plain();
    }
    static Json written(const Capabilities& capabilities) {
        Json list = Json::array();
        for (int bit = 0; bit < 64; ++bit)
            if (capabilities.mask & capability_bit(bit))
                list.push_back(capability_name(bit));
        return list;
    }
    static Json written(const Signal& signal) {
        if (!signal.number)
            return {};
        return signal_name(*signal.number);
    }
    static Json written(const Families& families) {
        Json list = Json::array();
        for (const int family : families.numbers)
            list.push_back(address_family_name(family));
        return list;
    }
    static Json written(const LimitValue& limit) {
        if (limit.value == RLIM_INFINITY)
            return "infinity";
        return limit.value;
    }
    static Json written(const Resource& resource) {
        return std::string{limit_name(resource.number)};
    }
    template <typename Enum>
    requires std::is_enum_v<Enum>
    static Json written(Enum value) {
        return std::string{name_of(names_of(value), value)};
    }
    template <typename Value>
    static Json written(const std::optional<Value>& value) {
        return value ? written(*value) : Json{};
    }
    template <typename Value>
    static Json written(const std::vector<Value>& values) {
        Json list = Json::array();
        for (const Value& value : values)
            list.push_back(written(value));
        return list;
    }
    template <typename Struct>
    requires requires(Writer& writer, Struct& value) {
        fields(writer, value);
    }
    static Json written(const Struct& value) {
        Writer writer;
        Struct copy = value; // the list of members is for both directions, so it takes no const
        fields(writer, copy);
        return writer.take();
    }

    Json json_ = Json::object();
};

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
        if (member == json_.end())
            refuse(place, "is missing");
        read(*member, value, place);
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
    static void read(const Json& json, Capabilities& capabilities, const std::string& place) {
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
    static void read(const Json& json, Signal& signal, const std::string& place) {
        signal.number = json.is_null() ? std::nullopt : parse_signal(text_at(json, place));
        if (!signal.number && !json.is_null())
            refuse(place, "is no signal");
    }
    static void read(const Json& json, Families& families, const std::string& place) {
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
    static void read(const Json& json, LimitValue& limit, const std::string& place) {
        if (json == "infinity")
            limit.value = RLIM_INFINITY;
        else
            read(json, limit.value, place);
    }
    static void read(const Json& json, Resource& resource, const std::string& place) {
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
        value.reset();
        if (!json.is_null())
            read(json, value.emplace(), place);
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

Json json_of(MachineSpec spec) {
    Writer writer;
    fields(writer, spec);
    return writer.take();
}

} // namespace

std::string to_json(const MachineSpec& spec) {
    return json_of(spec).dump();
}

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
    json["spec"] = json_of(shown);
    json["plan"] = Json::array();
    for (const MountStep& step : plan)
        json["plan"].push_back({{"target", escaped_for_people(step.target.native())},
                                {"what", escaped_for_people(describe(step))},
                                {"side", step.side == MountSide::host ? "host" : "payload"},
                                {"why", step.why}});
    return json.dump(2);
}

} // namespace machinist
