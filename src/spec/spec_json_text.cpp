// SPDX-License-Identifier: LGPL-2.1-or-later
// Writing a spec as JSON, straight into text: every start does it, and building a tree of values first takes ten
// times as long.
#include "base/base64.hpp"
#include "base/signal_names.hpp"
#include "base/text.hpp"
#include "spec/address_families.hpp"
#include "spec/capability_names.hpp"
#include "spec/resource_limits.hpp"
#include "spec/spec_enum_names.hpp"
#include "spec/spec_fields.hpp"
#include "spec/spec_json.hpp"

namespace machinist {

namespace {

using namespace spec_fields;

class Writer {
public:
    explicit Writer(std::string& text) : text_(text) {}

    template <typename Struct>
    void write_struct(const Struct& value) {
        text_.push_back('{');
        first_ = true;
        fields(*this, value);
        text_.push_back('}');
        first_ = false;
    }

    // One member.
    template <typename Value>
    void operator()(std::string_view name, const Value& value) {
        text_.append(first_ ? "\"" : ",\"").append(name).append("\":");
        first_ = false;
        write(value);
    }

private:
    void write(bool value) {
        text_.append(value ? "true" : "false");
    }
    template <std::integral Number>
    void write(Number value) {
        text_.append(std::to_string(value));
    }
    void write(const std::string& text) {
        if (is_utf8(text))
            return write_quoted(text);
        text_.append("{\"base64\":\"").append(base64(text)).append("\"}");
    }
    void write_quoted(std::string_view text) {
        text_.push_back('"');
        for (const char byte : text) {
            if (static_cast<unsigned char>(byte) < 0x20) {
                constexpr std::string_view digits = "0123456789abcdef";
                text_.append("\\u00").append(1, digits[byte >> 4 & 1]).append(1, digits[byte & 15]);
                continue;
            }
            if (byte == '"' || byte == '\\')
                text_.push_back('\\');
            text_.push_back(byte);
        }
        text_.push_back('"');
    }
    void write(const Path& path) {
        write(path.native());
    }
    void write(const MachineName& name) {
        write_quoted(name.text());
    }
    void write(const MachineId& id) {
        write_quoted(id.plain());
    }
    // IP and MAC addresses, as text.
    template <typename Address>
    requires std::same_as<Address, IpAddress> || std::same_as<Address, IpPrefix> || std::same_as<Address, MacAddress>
    void write(const Address& address) {
        write_quoted(address.text());
    }
    void write(Capabilities<const std::uint64_t> capabilities) {
        std::vector<std::string> names;
        for (int bit = 0; bit < 64; ++bit)
            if (capabilities.mask & capability_bit(bit))
                names.push_back(capability_name(bit));
        write(names);
    }
    void write(Signal<const std::optional<int>> signal) {
        write(signal.number ? std::optional{signal_name(*signal.number)} : std::nullopt);
    }
    void write(Families<const std::vector<int>> families) {
        std::vector<std::string> names;
        for (const int family : families.numbers)
            names.push_back(address_family_name(family));
        write(names);
    }
    void write(LimitValue<const rlim_t> limit) {
        if (limit.value == RLIM_INFINITY)
            write_quoted("infinity");
        else
            write(limit.value);
    }
    void write(Resource<const int> resource) {
        write_quoted(limit_name(resource.number));
    }
    template <typename Enum>
    requires std::is_enum_v<Enum>
    void write(Enum value) {
        write_quoted(name_of(names_of(value), value));
    }
    template <typename Value>
    void write(const std::optional<Value>& value) {
        if (value)
            write(*value);
        else
            text_.append("null");
    }
    template <typename Value>
    void write(const std::vector<Value>& values) {
        text_.push_back('[');
        for (const Value& value : values) {
            if (&value != &values.front())
                text_.push_back(',');
            write(value);
        }
        text_.push_back(']');
    }
    template <typename Struct>
    requires requires(Writer& writer, const Struct& value) {
        fields(writer, value);
    }
    void write(const Struct& value) {
        write_struct(value);
    }

    std::string& text_;
    bool first_ = true;
};

} // namespace

std::string to_json(const MachineSpec& spec) {
    std::string text;
    text.reserve(4096);
    Writer{text}.write_struct(spec);
    return text;
}

} // namespace machinist
