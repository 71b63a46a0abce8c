// SPDX-License-Identifier: LGPL-2.1-or-later
// Members about images: finding them, their properties, and what is done to them, each by a process of its own.
#include "base/failure.hpp"
#include "base/machine_id.hpp"
#include "base/text.hpp"
#include "daemon/interfaces.hpp"
#include "daemon/known_images.hpp"
#include "daemon/object_paths.hpp"
#include "kernel/files.hpp"

namespace machinist {

namespace {

constexpr const char* manage_images = "org.freedesktop.machine1.manage-images";
constexpr const char* inspect_images = "org.freedesktop.machine1.inspect-images";
// An image may be on a filesystem that answers late.
constexpr std::chrono::seconds patience{60};
constexpr std::uint64_t unknown = UINT64_MAX;

using ImageHandler = std::function<void(const Call& call, const std::string& image)>;

// A verb on an image, once for both forms: Manager.IN_MANAGER(name, ...) and Image.IN_IMAGE(...).
void attach_image_verb(Interfaces& interfaces, const char* in_manager, const char* in_image, ImageHandler handler) {
    interfaces.manager.method(in_manager, [handler](const Call& call) {
        const auto name = call.take<std::string>();
        handler(call, name);
    });
    interfaces.image.method(in_image, [handler = std::move(handler)](const Call& call) {
        handler(call, image_of_path(call.path()).value_or(""));
    });
}

std::string text_of(const ErrandAnswer& answer) {
    return answer.descriptors.empty() ? answer.text : read_all(answer.descriptors.front());
}

struct Change {
    ImageErrand errand;
    std::vector<std::string> names; // that may be other images, or none, then
    Permission permission;
    bool ends_with_caller = false;
};

// written: with the text of the answer, to answer the call.
void change(Service& service, const Call& call, Change wanted, std::function<void(const std::string&)> written = {}) {
    auto permission = wanted.permission;
    when_allowed(service, call, std::move(permission), [=, &service, wanted = std::move(wanted)] {
        service.errands.run(wanted.errand, wanted.ends_with_caller ? until_caller_leaves(call) : Until{},
                            [call, &service, written, before = service.images.states_of(wanted.names)](
                                const ErrandAnswer* done, const Failure* failure) {
                                service.images.announce_changes(before);
                                answer(call, [&] {
                                    if (failure != nullptr)
                                        throw Failure{*failure};
                                    if (written)
                                        written(text_of(*done));
                                    else
                                        call.reply();
                                });
                            });
    });
}

Permission managing(const std::string& image, const char* verb) {
    return {.action = manage_images, .verb = verb, .machine = {}, .details = {{"image", image}}};
}

std::string limit_word(std::uint64_t bytes) {
    return bytes == unknown ? "-" : std::to_string(bytes);
}

const char* word_for(bool value) {
    return value ? "yes" : "no";
}

void clean_pool(Service& service, const Call& call) {
    const auto mode = call.take<std::string>();
    std::vector<std::string> names;
    for (const auto& [name, image] : service.images.all())
        names.push_back(name);
    Change wanted{.errand = {.kind = ImageErrandKind::clean, .words = {mode}},
                  .names = std::move(names),
                  .permission = {.action = manage_machines, .verb = "clean_pool", .machine = {}, .details = {}}};
    if (mode != "all" && mode != "hidden") {
        when_allowed(service, call, wanted.permission, [mode] {
            throw Failure{FailureKind::invalid, "Unknown mode '" + escaped_for_people(mode.substr(0, 100)) + "'"};
        });
        return;
    }
    change(service, call, std::move(wanted), [call](const std::string& text) {
        std::vector<std::tuple<std::string, std::uint64_t>> rows;
        for (const std::string_view line : split(text, '\n')) {
            const auto space = line.find(' ');
            const auto bytes = parse_integer<std::uint64_t>(line.substr(0, space));
            if (space != std::string_view::npos && bytes)
                rows.emplace_back(line.substr(space + 1), *bytes);
        }
        call.reply(rows);
    });
}

void attach_changes(Interfaces& interfaces, Service& service) {
    attach_image_verb(interfaces, "RemoveImage", "Remove", [&service](const Call& call, const std::string& name) {
        change(service, call,
               {.errand = {.kind = ImageErrandKind::remove, .words = {name}},
                .names = {name},
                .permission = managing(name, "remove")});
    });
    attach_image_verb(interfaces, "RenameImage", "Rename", [&service](const Call& call, const std::string& name) {
        const auto new_name = call.take<std::string>();
        Permission permission = managing(name, "rename");
        permission.details.emplace_back("new_name", new_name);
        change(service, call,
               {.errand = {.kind = ImageErrandKind::rename, .words = {name, new_name}},
                .names = {name, new_name},
                .permission = std::move(permission)});
    });
    attach_image_verb(interfaces, "CloneImage", "Clone", [&service](const Call& call, const std::string& name) {
        const auto new_name = call.take<std::string>();
        const auto read_only = call.take<bool>();
        Permission permission = managing(name, "clone");
        permission.details.emplace_back("new_name", new_name);
        change(service, call,
               {.errand = {.kind = ImageErrandKind::clone, .words = {name, new_name, word_for(read_only)}},
                .names = {new_name},
                .permission = std::move(permission),
                .ends_with_caller = true});
    });
    attach_image_verb(interfaces, "MarkImageReadOnly", "MarkReadOnly",
                      [&service](const Call& call, const std::string& name) {
                          const auto read_only = call.take<bool>();
                          change(service, call,
                                 {.errand = {.kind = ImageErrandKind::read_only, .words = {name, word_for(read_only)}},
                                  .names = {name},
                                  .permission = managing(name, "mark_read_only")});
                      });
    attach_image_verb(interfaces, "SetImageLimit", "SetLimit", [&service](const Call& call, const std::string& name) {
        const auto limit = call.take<std::uint64_t>();
        change(service, call,
               {.errand = {.kind = ImageErrandKind::limit, .words = {name, limit_word(limit)}},
                .names = {name},
                .permission = managing(name, "set_limit")});
    });
    interfaces.manager.method("SetPoolLimit", [&service](const Call& call) {
        const auto limit = call.take<std::uint64_t>();
        change(service, call,
               {.errand = {.kind = ImageErrandKind::pool_limit, .words = {limit_word(limit)}},
                .names = {},
                .permission = {.action = manage_machines, .verb = "set_pool_limit", .machine = {}, .details = {}}});
    });
    interfaces.manager.method("CleanPool", [&service](const Call& call) { clean_pool(service, call); });
}

// reply: answers the call with the text of the errand.
void attach_fact(Interfaces& interfaces, Service& service, const char* in_manager, const char* in_image,
                 const char* verb, ImageErrandKind kind, void (*reply)(const Call& call, const std::string& text)) {
    attach_image_verb(interfaces, in_manager, in_image, [=, &service](const Call& call, const std::string& name) {
        when_allowed(service, call,
                     {.action = inspect_images, .verb = verb, .machine = {}, .details = {{"image", name}}},
                     [=, &service] {
                         service.errands.run({.kind = kind, .words = {name}}, {.patience = patience},
                                             [call, reply](const ErrandAnswer* done, const Failure* failure) {
                                                 answer(call, [&] {
                                                     if (failure != nullptr)
                                                         throw Failure{*failure};
                                                     reply(call, text_of(*done));
                                                 });
                                             });
                     });
    });
}

void reply_fields(const Call& call, const std::string& text) {
    std::map<std::string, std::string> fields;
    for (const std::string_view line : split(text, '\n'))
        if (const auto at = line.find('='); at != std::string_view::npos)
            fields.emplace(line.substr(0, at), line.substr(at + 1));
    call.reply(fields);
}

void attach_facts_of_images(Interfaces& interfaces, Service& service) {
    attach_fact(interfaces, service, "GetImageHostname", "GetHostname", "get_hostname", ImageErrandKind::hostname,
                [](const Call& call, const std::string& text) { call.reply(text); });
    attach_fact(interfaces, service, "GetImageMachineID", "GetMachineID", "get_machine_id", ImageErrandKind::machine_id,
                [](const Call& call, const std::string& text) {
                    const auto id = MachineId::parse(text);
                    call.reply(id ? std::vector<std::uint8_t>{id->bytes().begin(), id->bytes().end()}
                                  : std::vector<std::uint8_t>{});
                });
    attach_fact(interfaces, service, "GetImageMachineInfo", "GetMachineInfo", "get_machine_info",
                ImageErrandKind::machine_info, reply_fields);
    attach_fact(interfaces, service, "GetImageOSRelease", "GetOSRelease", "get_os_release", ImageErrandKind::os_release,
                reply_fields);
}

template <typename T>
void attach_image_property(Interfaces& interfaces, Service& service, const char* name, T (*read)(const PoolImage&)) {
    interfaces.image.property<T>(name, [&service, read](std::string_view path) {
        return read(service.images.get(image_of_path(path).value_or("")));
    });
}

void attach_image_properties(Interfaces& interfaces, Service& service) {
    const auto text = [&](const char* name, std::string (*read)(const PoolImage&)) {
        attach_image_property(interfaces, service, name, read);
    };
    const auto number = [&](const char* name, std::uint64_t (*read)(const PoolImage&)) {
        attach_image_property(interfaces, service, name, read);
    };
    text("Name", [](const PoolImage& image) { return image.name; });
    text("Path", [](const PoolImage& image) { return image.path.string(); });
    text("Type", [](const PoolImage& image) { return std::string{name_of(image_type_names, image.type)}; });
    attach_image_property<bool>(interfaces, service, "ReadOnly",
                                [](const PoolImage& image) { return image.read_only; });
    number("CreationTimestamp", [](const PoolImage& image) { return image.created; });
    number("ModificationTimestamp", [](const PoolImage& image) { return image.modified; });
    number("Usage", [](const PoolImage& image) { return image.usage.value_or(unknown); });
    number("Limit", [](const PoolImage& image) { return image.limit.value_or(unknown); });
    number("UsageExclusive", [](const PoolImage& image) { return image.usage_exclusive.value_or(unknown); });
    number("LimitExclusive", [](const PoolImage& image) { return image.limit_exclusive.value_or(unknown); });

    interfaces.manager.property<std::string>(
        "PoolPath", [&service](std::string_view) { return service.images.pool().places().new_images.string(); });
    interfaces.manager.property<std::uint64_t>("PoolUsage", [&service](std::string_view) {
        const auto quota = service.images.pool().quota();
        return quota ? quota->usage : unknown;
    });
    interfaces.manager.property<std::uint64_t>("PoolLimit", [&service](std::string_view) {
        const auto quota = service.images.pool().quota();
        return quota ? quota->limit.value_or(unknown) : unknown;
    });
}

void list_images(Service& service, const Call& call) {
    call.reply_with([&](sd_bus_message* answer) {
        wire::written(sd_bus_message_open_container(answer, 'a', "(ssbttto)"));
        for (const auto& [name, image] : service.images.all())
            wire::written(sd_bus_message_append(answer, "(ssbttto)", name.c_str(),
                                                std::string{name_of(image_type_names, image.type)}.c_str(),
                                                image.read_only ? 1 : 0, image.created, image.modified,
                                                image.usage.value_or(unknown), path_of_image(name).c_str()));
        wire::written(sd_bus_message_close_container(answer));
    });
}

} // namespace

void attach_images(Interfaces& interfaces, Service& service) {
    interfaces.manager.method("ListImages", [&service](const Call& call) { list_images(service, call); });
    interfaces.manager.method("GetImage", [&service](const Call& call) {
        call.reply(ObjectPath{path_of_image(service.images.get(call.take<std::string>()).name)});
    });
    attach_changes(interfaces, service);
    attach_facts_of_images(interfaces, service);
    attach_image_properties(interfaces, service);
}

} // namespace machinist
