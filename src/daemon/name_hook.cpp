// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/name_hook.hpp"

#include "base/base64.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"
#include "daemon/facts.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <sys/socket.h>

namespace machinist {

namespace {

using nlohmann::json;
using varlink::InvalidParameter;
using varlink::Parameters;

constexpr std::uint16_t class_in = 1;
constexpr std::uint16_t type_a = 1;
constexpr std::uint16_t type_aaaa = 28;
constexpr std::uint16_t type_any = 255;
constexpr std::uint16_t name_error = 3; // "NXDOMAIN"
constexpr std::size_t most_questions = 16;
constexpr std::size_t longest_name = 253;
constexpr std::size_t longest_label = 63;
constexpr std::ptrdiff_t most_listeners_of_one_user = 4;

struct Question {
    std::string name;
    std::uint16_t record_class = class_in;
    std::uint16_t type = 0;

    [[nodiscard]] bool asks_for(std::uint16_t kind) const {
        return type == kind || type == type_any;
    }
};

// A name that a user registered is known by the host's own programs; it is no name for the whole host's resolver, where
// it could stand in the way of others.
bool has_host_name(const RegisteredMachine& machine) {
    return !machine.is_host && machine.announced && machine.record.machine_class == "container" &&
           machine.record.uid == 0;
}

std::uint16_t number_in(Parameters& fields, const char* name, std::optional<std::uint16_t> otherwise) {
    const auto number = fields.optional_number(name);
    if ((!number && !otherwise) || (number && *number > std::numeric_limits<std::uint16_t>::max()))
        throw InvalidParameter{"question"};
    return number ? static_cast<std::uint16_t>(*number) : *otherwise;
}

std::vector<Question> take_questions(Parameters& parameters) {
    const json* all = parameters.array("question");
    if (all == nullptr || all->empty() || all->size() > most_questions)
        throw InvalidParameter{"question"};
    std::vector<Question> questions;
    for (const json& one : *all) {
        if (!one.is_object())
            throw InvalidParameter{"question"};
        Parameters outer{one};
        const json* key = outer.object("key");
        if (key == nullptr)
            throw InvalidParameter{"question"};
        Parameters fields{*key};
        Question question{.name = fields.text("name"),
                          .record_class = number_in(fields, "class", class_in),
                          .type = number_in(fields, "type", {})};
        if (question.name.ends_with('.'))
            question.name.pop_back();
        if (question.name.size() > longest_name)
            throw InvalidParameter{"question"};
        questions.push_back(std::move(question));
    }
    return questions;
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    return text;
}

// DNS knows no case, machines do: the first one of several.
const RegisteredMachine* machine_named(const Service& service, const std::string& name) {
    if (const auto* exact = service.registry.find(name); exact != nullptr && has_host_name(*exact))
        return exact;
    const std::string wanted = lower(name);
    for (const auto& [key, machine] : service.registry.machines())
        if (has_host_name(*machine) && lower(std::string{key}) == wanted)
            return machine.get();
    return nullptr;
}

bool is_below_a_machine(const Service& service, std::string_view name) {
    for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
        name.remove_prefix(dot + 1);
        if (machine_named(service, std::string{name}) != nullptr)
            return true;
    }
    return false;
}

void put_number(std::string& bytes, std::uint16_t number) {
    bytes += static_cast<char>(number >> 8U);
    bytes += static_cast<char>(number & 0xffU);
}

// RFC 1035. The time to live is 0: the next machine of that name has other addresses.
std::string wire_form(const Question& question, std::uint16_t type, const std::vector<std::uint8_t>& address) {
    std::string bytes;
    for (const std::string_view label : split(question.name, '.')) {
        bytes += static_cast<char>(std::min(label.size(), longest_label));
        bytes += label.substr(0, longest_label);
    }
    bytes += '\0';
    put_number(bytes, type);
    put_number(bytes, class_in);
    put_number(bytes, 0);
    put_number(bytes, 0);
    put_number(bytes, static_cast<std::uint16_t>(address.size()));
    bytes.append(address.begin(), address.end());
    return bytes;
}

// Those mean nothing without an interface.
bool is_link_local(std::uint16_t type, const std::vector<std::uint8_t>& address) {
    return type == type_a ? address[0] == 169 && address[1] == 254 : address[0] == 0xfe && (address[1] & 0xc0U) == 0x80;
}

json answers_to(const std::vector<Question>& questions, const std::vector<MachineAddress>& addresses) {
    json answers = json::array();
    for (const Question& question : questions) {
        if (question.record_class != class_in && question.record_class != type_any)
            continue;
        for (const auto& [family, address] : addresses) {
            const std::uint16_t type = family == AF_INET ? type_a : type_aaaa;
            if (question.asks_for(type) && !is_link_local(type, address))
                answers.push_back(
                    {{"rr",
                      {{"key", {{"class", class_in}, {"type", type}, {"name", question.name}}}, {"address", address}}},
                     {"raw", base64(wire_form(question, type, address))}});
        }
    }
    return {{"rcode", 0}, {"answer", std::move(answers)}};
}

void resolve(Service& service, const varlink::Call& call, Parameters& parameters) {
    const auto questions = take_questions(parameters);
    parameters.end();
    const std::string& name = questions.front().name;
    for (const Question& other : questions)
        if (lower(other.name) != lower(name))
            throw InvalidParameter{"question"};
    const auto* machine = machine_named(service, name);
    if (machine == nullptr) {
        call.reply(is_below_a_machine(service, name) ? json{{"rcode", name_error}} : json::object());
        return;
    }
    find_addresses(service, machine->name(),
                   [call, questions](const std::vector<MachineAddress>* found, const Failure* failure) {
                       answer(call, [&] {
                           // Nothing to say: whoever else knows the name is asked then.
                           call.reply(failure == nullptr ? answers_to(questions, *found) : json::object());
                       });
                   });
}

} // namespace

NameHook::NameHook(VarlinkService& varlink, Service& service) : service_(service) {
    varlink.method("io.systemd.Resolve.Hook.QueryFilter",
                   [this](const varlink::Call& call, Parameters& parameters) { tell_names(call, parameters); });
    varlink.method(
        "io.systemd.Resolve.Hook.ResolveRecord",
        [&service](const varlink::Call& call, Parameters& parameters) { resolve(service, call, parameters); });
    service.registry.announce_to({.added = [this](const RegisteredMachine&) { changed(); },
                                  .adopted = {},
                                  .removed = [this](const RegisteredMachine&) { changed(); },
                                  .state_changed = {}});
}

json NameHook::filter() const {
    json domains = json::array();
    for (const auto& [name, machine] : service_.registry.machines())
        if (has_host_name(*machine))
            domains.push_back(name);
    return {{"filterDomains", std::move(domains)}};
}

void NameHook::tell_names(const varlink::Call& call, Parameters& parameters) {
    parameters.end();
    if (!call.wants_more())
        return call.fail("org.varlink.service.ExpectedMore");
    const uid_t uid = call.peer().uid;
    // Each is told of each change.
    if (std::ranges::count_if(listeners_, [&](const auto& one) { return one.second.peer().uid == uid; }) >=
        most_listeners_of_one_user)
        throw Failure{FailureKind::busy, "too many of this user listen"};
    const std::uint64_t number = ++last_;
    listeners_.emplace(number, call);
    call.when_gone([this, number] { listeners_.erase(number); });
    call.reply_more(filter());
}

void NameHook::changed() {
    if (listeners_.empty() || soon_)
        return;
    // Many machines that come and go at once are one change.
    soon_ = service_.loop.soon([this] {
        soon_ = {};
        const json names = filter();
        const auto told = listeners_;
        for (const auto& [number, call] : told)
            call.reply_more(names);
    });
}

} // namespace machinist
