// SPDX-License-Identifier: LGPL-2.1-or-later
// C++ values in messages of the bus: wire<T>() is a type's signature, put() and get() write and read it.
#pragma once

#include "base/failure.hpp"
#include "base/unique_fd.hpp"

#include <concepts>
#include <cstdint>
#include <fcntl.h>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <systemd/sd-bus.h>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace machinist {

struct ObjectPath {
    std::string text;
    friend bool operator==(const ObjectPath&, const ObjectPath&) = default;
};

// Reading keeps a descriptor for as long as any copy of the value lives.
using SharedFd = std::shared_ptr<const UniqueFd>;

// What options hold. Reading what is none of these gives the first.
using Variant = std::variant<std::monostate, bool, std::uint8_t, std::int32_t, std::uint32_t, std::int64_t,
                             std::uint64_t, double, std::string, ObjectPath, SharedFd, std::vector<std::uint8_t>,
                             std::vector<std::int32_t>, std::vector<std::string>>;
using Options = std::vector<std::pair<std::string, Variant>>;    // a(sv), keys in order
using NamedValues = std::map<std::string, Variant, std::less<>>; // a{sv}

namespace wire {

// A caller's message that does not hold what its signature says.
inline int read(int result) {
    if (result < 0)
        throw Failure{FailureKind::invalid, "read a message of the bus", -result};
    return result;
}

inline void written(int result) {
    if (result < 0)
        throw Failure{FailureKind::internal, "write a message of the bus", -result};
}

template <typename T>
struct Type;

template <typename T, char letter>
struct Basic {
    static std::string signature() {
        return std::string(1, letter);
    }
    static void put(sd_bus_message* message, const T& value) {
        written(sd_bus_message_append_basic(message, letter, &value));
    }
    static void get(sd_bus_message* message, T& value) {
        read(sd_bus_message_read_basic(message, letter, &value));
    }
};
template <>
struct Type<std::uint8_t> : Basic<std::uint8_t, 'y'> {};
template <>
struct Type<std::uint16_t> : Basic<std::uint16_t, 'q'> {};
template <>
struct Type<std::int32_t> : Basic<std::int32_t, 'i'> {};
template <>
struct Type<std::uint32_t> : Basic<std::uint32_t, 'u'> {};
template <>
struct Type<std::int64_t> : Basic<std::int64_t, 'x'> {};
template <>
struct Type<std::uint64_t> : Basic<std::uint64_t, 't'> {};
template <>
struct Type<double> : Basic<double, 'd'> {};

template <>
struct Type<bool> {
    static std::string signature() {
        return "b";
    }
    static void put(sd_bus_message* message, bool value) {
        const int number = value ? 1 : 0;
        written(sd_bus_message_append_basic(message, 'b', &number));
    }
    static void get(sd_bus_message* message, bool& value) {
        int number = 0;
        read(sd_bus_message_read_basic(message, 'b', &number));
        value = number != 0;
    }
};

template <>
struct Type<std::string> {
    static std::string signature() {
        return "s";
    }
    static void put(sd_bus_message* message, const std::string& value) {
        written(sd_bus_message_append_basic(message, 's', value.c_str()));
    }
    static void get(sd_bus_message* message, std::string& value) {
        const char* text = "";
        read(sd_bus_message_read_basic(message, 's', static_cast<void*>(&text)));
        value = text;
    }
};

template <>
struct Type<ObjectPath> {
    static std::string signature() {
        return "o";
    }
    static void put(sd_bus_message* message, const ObjectPath& value) {
        written(sd_bus_message_append_basic(message, 'o', value.text.c_str()));
    }
    static void get(sd_bus_message* message, ObjectPath& value) {
        const char* text = "/";
        read(sd_bus_message_read_basic(message, 'o', static_cast<void*>(&text)));
        value.text = text;
    }
};

template <>
struct Type<BorrowedFd> {
    static std::string signature() {
        return "h";
    }
    static void put(sd_bus_message* message, BorrowedFd value) {
        const int number = value.get();
        written(sd_bus_message_append_basic(message, 'h', &number));
    }
};

template <>
struct Type<SharedFd> {
    static std::string signature() {
        return "h";
    }
    static void put(sd_bus_message* message, const SharedFd& value) {
        Type<BorrowedFd>::put(message, *value);
    }
    static void get(sd_bus_message* message, SharedFd& value) {
        int number = -1;
        read(sd_bus_message_read_basic(message, 'h', &number));
        UniqueFd copy{::fcntl(number, F_DUPFD_CLOEXEC, 3)};
        if (!copy)
            throw system_failure("keep a descriptor of a message");
        value = std::make_shared<const UniqueFd>(std::move(copy));
    }
};

template <typename T>
const char* signature_of() {
    static const std::string text = Type<T>::signature();
    return text.c_str();
}

template <typename T>
struct Type<std::vector<T>> {
    static constexpr bool flat = std::same_as<T, std::uint8_t> || std::same_as<T, std::int32_t> ||
                                 std::same_as<T, std::uint32_t> || std::same_as<T, std::uint64_t>;
    static std::string signature() {
        return "a" + Type<T>::signature();
    }
    static void put(sd_bus_message* message, const std::vector<T>& values) {
        if constexpr (flat) {
            written(sd_bus_message_append_array(message, *signature_of<T>(), values.data(), values.size() * sizeof(T)));
        } else {
            written(sd_bus_message_open_container(message, 'a', signature_of<T>()));
            for (const T& value : values)
                Type<T>::put(message, value);
            written(sd_bus_message_close_container(message));
        }
    }
    static void get(sd_bus_message* message, std::vector<T>& values) {
        if constexpr (flat) {
            const void* data = nullptr;
            std::size_t size = 0;
            read(sd_bus_message_read_array(message, *signature_of<T>(), &data, &size));
            const T* first = static_cast<const T*>(data);
            values.assign(first, first + size / sizeof(T));
        } else {
            read(sd_bus_message_enter_container(message, 'a', signature_of<T>()));
            while (read(sd_bus_message_at_end(message, 0)) == 0) {
                T value{};
                Type<T>::get(message, value);
                values.push_back(std::move(value));
            }
            read(sd_bus_message_exit_container(message));
        }
    }
};

template <typename... T>
struct Type<std::tuple<T...>> {
    static std::string contents() {
        return (std::string{} + ... + Type<T>::signature());
    }
    static std::string signature() {
        return "(" + contents() + ")";
    }
    static void put(sd_bus_message* message, const std::tuple<T...>& value) {
        static const std::string inner = contents();
        written(sd_bus_message_open_container(message, 'r', inner.c_str()));
        std::apply([&](const T&... parts) { (Type<T>::put(message, parts), ...); }, value);
        written(sd_bus_message_close_container(message));
    }
    static void get(sd_bus_message* message, std::tuple<T...>& value) {
        static const std::string inner = contents();
        read(sd_bus_message_enter_container(message, 'r', inner.c_str()));
        std::apply([&](T&... parts) { (Type<T>::get(message, parts), ...); }, value);
        read(sd_bus_message_exit_container(message));
    }
};

template <typename First, typename Second>
struct Type<std::pair<First, Second>> {
    static std::string signature() {
        return Type<std::tuple<First, Second>>::signature();
    }
    static void put(sd_bus_message* message, const std::pair<First, Second>& value) {
        Type<std::tuple<First, Second>>::put(message, value);
    }
    static void get(sd_bus_message* message, std::pair<First, Second>& value) {
        std::tuple<First, Second> both;
        Type<std::tuple<First, Second>>::get(message, both);
        value = {std::move(std::get<0>(both)), std::move(std::get<1>(both))};
    }
};

template <typename Key, typename Value, typename Order>
struct Type<std::map<Key, Value, Order>> {
    static std::string entry() {
        return Type<Key>::signature() + Type<Value>::signature();
    }
    static std::string signature() {
        return "a{" + entry() + "}";
    }
    static void put(sd_bus_message* message, const std::map<Key, Value, Order>& values) {
        static const std::string inner = entry();
        static const std::string whole = "{" + inner + "}";
        written(sd_bus_message_open_container(message, 'a', whole.c_str()));
        for (const auto& [key, value] : values) {
            written(sd_bus_message_open_container(message, 'e', inner.c_str()));
            Type<Key>::put(message, key);
            Type<Value>::put(message, value);
            written(sd_bus_message_close_container(message));
        }
        written(sd_bus_message_close_container(message));
    }
    static void get(sd_bus_message* message, std::map<Key, Value, Order>& values) {
        static const std::string inner = entry();
        static const std::string whole = "{" + inner + "}";
        read(sd_bus_message_enter_container(message, 'a', whole.c_str()));
        while (read(sd_bus_message_at_end(message, 0)) == 0) {
            Key key{};
            Value value{};
            read(sd_bus_message_enter_container(message, 'e', inner.c_str()));
            Type<Key>::get(message, key);
            Type<Value>::get(message, value);
            read(sd_bus_message_exit_container(message));
            values.insert_or_assign(std::move(key), std::move(value));
        }
        read(sd_bus_message_exit_container(message));
    }
};

template <>
struct Type<Variant> {
    static std::string signature() {
        return "v";
    }
    template <typename T>
    static void put_as(sd_bus_message* message, const T& value) {
        if constexpr (std::same_as<T, std::monostate>) {
            throw Failure{FailureKind::internal, "a value without a type was to be sent"};
        } else {
            written(sd_bus_message_open_container(message, 'v', signature_of<T>()));
            Type<T>::put(message, value);
            written(sd_bus_message_close_container(message));
        }
    }
    static void put(sd_bus_message* message, const Variant& value) {
        std::visit([&](const auto& held) { put_as(message, held); }, value);
    }
    template <std::size_t index = 1>
    static bool get_one_of(sd_bus_message* message, Variant& value, std::string_view contents) {
        if constexpr (index < std::variant_size_v<Variant>) {
            using T = std::variant_alternative_t<index, Variant>;
            if (contents != signature_of<T>())
                return get_one_of<index + 1>(message, value, contents);
            read(sd_bus_message_enter_container(message, 'v', signature_of<T>()));
            T held{};
            Type<T>::get(message, held);
            read(sd_bus_message_exit_container(message));
            value = std::move(held);
            return true;
        }
        return false;
    }
    static void get(sd_bus_message* message, Variant& value) {
        const char* contents = nullptr;
        char type = 0;
        read(sd_bus_message_peek_type(message, &type, &contents));
        if (!get_one_of(message, value, contents == nullptr ? "" : contents)) {
            value = std::monostate{};
            read(sd_bus_message_skip(message, "v"));
        }
    }
};

template <typename T>
void put(sd_bus_message* message, const T& value) {
    Type<T>::put(message, value);
}

template <typename T>
T get(sd_bus_message* message) {
    T value{};
    Type<T>::get(message, value);
    return value;
}

} // namespace wire

} // namespace machinist
