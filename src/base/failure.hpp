// SPDX-License-Identifier: LGPL-2.1-or-later
// The one exception: something did not work, with stage, object, cause and remedy.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace machinist {

// Maps one to one to an exit status and to a D-Bus error name.
enum class FailureKind : std::uint8_t {
    system,  // the kernel or a file said no; see error_number()
    usage,   // the command line has no meaning: unknown option, missing argument
    invalid, // a value of the request has no meaning
    not_found,
    already_exists,
    busy,
    not_permitted,
    not_supported, // understood, but not to be had here
    timed_out,
    too_many,        // a limit on how much at once
    no_machine,      // no machine of that name
    machine_exists,  // its name or its leader is taken
    no_machine_of,   // the process belongs to no machine
    no_own_network,  // the machine shares the host's
    no_user_mapping, // the user id is not the machine's
    no_group_mapping,
    no_image,
    hostile,  // an image, archive or payload is shaped to harm, or looks so
    internal, // a bug of ours
};

class Failure : public std::exception {
public:
    // sentence: what was attempted and on which object; lower case, no full stop, names quoted.
    Failure(FailureKind kind, std::string sentence, int error_number = 0);

    [[nodiscard]] FailureKind kind() const {
        return kind_;
    }
    // 0 where no system call failed.
    [[nodiscard]] int error_number() const {
        return error_number_;
    }
    [[nodiscard]] const std::string& remedy() const {
        return remedy_;
    }

    // "try ..." is put before it when printed. The first remedy given is the nearest one and stays.
    Failure& try_instead(std::string remedy);
    // Puts what was being done before the sentence; the outermost comes first in what().
    void add_context(std::string_view doing);

    // The whole chain: "start machine 'web': mount '/dev': Operation not permitted; try ...".
    [[nodiscard]] const char* what() const noexcept override;

    // For the handshake: a failure in the child is thrown again in the parent.
    [[nodiscard]] std::string serialize() const;
    // std::nullopt if the bytes are no serialized failure.
    static std::optional<Failure> deserialize(std::string_view bytes);

private:
    void compose();

    FailureKind kind_;
    int error_number_;
    std::string context_;
    std::string sentence_;
    std::string remedy_;
    std::string whole_;
};

// FailureKind::system with the current errno; kinds that an errno stands for are set from it.
[[nodiscard]] Failure system_failure(std::string sentence);
[[nodiscard]] Failure system_failure(std::string sentence, int error_number);

// 1 for everything but usage, which is 2.
[[nodiscard]] int exit_status_for(const Failure& failure);

// Adds "what" to any failure that leaves body.
template <std::invocable Body>
decltype(auto) doing(std::string_view what, Body&& body) {
    try {
        return std::forward<Body>(body)();
    } catch (Failure& failure) {
        failure.add_context(what);
        throw;
    }
}

} // namespace machinist
