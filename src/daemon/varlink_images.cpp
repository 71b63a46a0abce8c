// SPDX-License-Identifier: LGPL-2.1-or-later
// Methods of io.systemd.MachineImage.
#include "base/failure.hpp"
#include "base/text.hpp"
#include "daemon/known_images.hpp"
#include "daemon/varlink_service.hpp"
#include "kernel/files.hpp"

#include <deque>
#include <memory>
#include <nlohmann/json.hpp>

namespace machinist {

namespace {

using nlohmann::json;
using varlink::Parameters;

constexpr const char* manage_images = "org.freedesktop.machine1.manage-images";
constexpr const char* inspect_images = "org.freedesktop.machine1.inspect-images";
constexpr const char* interactive_key = "allowInteractiveAuthentication";
constexpr std::chrono::seconds patience{60};

Permission about(const char* action, const std::string& image, const char* verb) {
    return {.action = action, .verb = verb, .machine = {}, .details = {{"image", image}}};
}

std::string limit_word(std::uint64_t bytes) {
    return bytes == UINT64_MAX ? "-" : std::to_string(bytes);
}

std::string text_of(const ErrandAnswer& answer) {
    return answer.descriptors.empty() ? answer.text : read_all(answer.descriptors.front());
}

// Errands one after the other, each only if the one before worked.
struct ErrandList : std::enable_shared_from_this<ErrandList> {
    ErrandList(Service& of, const varlink::Call& by) : service(of), call(by) {}

    Service& service;
    varlink::Call call;
    std::deque<ImageErrand> errands;
    KnownImages::States before;
    std::function<void(const std::string& text)> done; // else an empty answer

    void go_on(const std::string& text = {}) {
        if (errands.empty()) {
            service.images.announce_changes(before);
            return done ? done(text) : call.reply();
        }
        const ImageErrand next = std::move(errands.front());
        errands.pop_front();
        const auto self = shared_from_this();
        service.errands.run(next, {}, [self](const ErrandAnswer* answered, const Failure* failure) {
            answer(self->call, [&] {
                if (failure == nullptr)
                    return self->go_on(text_of(*answered));
                self->service.images.announce_changes(self->before);
                throw Failure{*failure};
            });
        });
    }
};

void update(Service& service, const varlink::Call& call, Parameters& parameters) {
    const std::string name = parameters.text("name");
    const auto interactive = parameters.optional_bool(interactive_key);
    const auto new_name = parameters.optional_text("newName");
    const auto read_only = parameters.optional_bool("readOnly");
    const auto limit = parameters.optional_number("limit");
    parameters.end();
    when_allowed(service, call, about(manage_images, name, "update"), interactive, [=, &service] {
        auto list = std::make_shared<ErrandList>(service, call);
        if (limit)
            list->errands.push_back({.kind = ImageErrandKind::limit, .words = {name, limit_word(*limit)}});
        if (read_only)
            list->errands.push_back({.kind = ImageErrandKind::read_only, .words = {name, *read_only ? "yes" : "no"}});
        if (new_name)
            list->errands.push_back({.kind = ImageErrandKind::rename, .words = {name, *new_name}});
        if (list->errands.empty())
            (void)service.images.get(name);
        list->before = service.images.states_of({name, new_name.value_or(name)});
        list->go_on();
    });
}

void clone(Service& service, const varlink::Call& call, Parameters& parameters) {
    const std::string name = parameters.text("name");
    const auto interactive = parameters.optional_bool(interactive_key);
    const std::string new_name = parameters.text("newName");
    const bool read_only = parameters.optional_bool("readOnly").value_or(false);
    parameters.end();
    Permission permission = about(manage_images, name, "clone");
    permission.details.emplace_back("new_name", new_name);
    when_allowed(service, call, std::move(permission), interactive, [=, &service] {
        const auto before = service.images.states_of({new_name});
        const std::uint64_t errand =
            service.errands.run({.kind = ImageErrandKind::clone, .words = {name, new_name, read_only ? "yes" : "no"}},
                                {}, [call, before, &service](const ErrandAnswer*, const Failure* failure) {
                                    service.images.announce_changes(before);
                                    replying(call)(failure);
                                });
        call.when_gone([&service, errand] { service.errands.caller_gone(errand); });
    });
}

void remove(Service& service, const varlink::Call& call, Parameters& parameters) {
    const std::string name = parameters.text("name");
    const auto interactive = parameters.optional_bool(interactive_key);
    parameters.end();
    when_allowed(service, call, about(manage_images, name, "remove"), interactive, [=, &service] {
        auto list = std::make_shared<ErrandList>(service, call);
        list->errands.push_back({.kind = ImageErrandKind::remove, .words = {name}});
        list->before = service.images.states_of({name});
        list->go_on();
    });
}

void set_pool_limit(Service& service, const varlink::Call& call, Parameters& parameters) {
    const auto interactive = parameters.optional_bool(interactive_key);
    const auto limit = parameters.optional_number("limit");
    parameters.end();
    if (!limit)
        throw varlink::InvalidParameter{"limit"};
    when_allowed(service, call, {.action = manage_images, .verb = "set_pool_limit", .machine = {}, .details = {}},
                 interactive, [=, &service] {
                     auto list = std::make_shared<ErrandList>(service, call);
                     list->errands.push_back({.kind = ImageErrandKind::pool_limit, .words = {limit_word(*limit)}});
                     list->go_on();
                 });
}

void clean_pool(Service& service, const varlink::Call& call, Parameters& parameters) {
    const auto interactive = parameters.optional_bool(interactive_key);
    const auto mode = parameters.optional_word("mode", {"all", "hidden"});
    parameters.end();
    if (!mode)
        throw varlink::InvalidParameter{"mode"};
    if (!call.wants_more())
        return call.fail("org.varlink.service.ExpectedMore");
    when_allowed(service, call, {.action = manage_images, .verb = "clean_pool", .machine = {}, .details = {}},
                 interactive, [=, &service] {
                     auto list = std::make_shared<ErrandList>(service, call);
                     std::vector<std::string> names;
                     for (const auto& [name, image] : service.images.all())
                         names.push_back(name);
                     list->before = service.images.states_of(names);
                     list->errands.push_back({.kind = ImageErrandKind::clean, .words = {*mode}});
                     list->done = [call](const std::string& text) {
                         std::optional<json> last;
                         for (const std::string_view line : split(text, '\n')) {
                             const auto space = line.find(' ');
                             if (space == std::string_view::npos)
                                 continue;
                             if (last)
                                 call.reply_more(std::move(*last));
                             last = json{{"name", line.substr(space + 1)}};
                             const auto bytes = parse_integer<std::uint64_t>(line.substr(0, space));
                             if (bytes && *bytes != UINT64_MAX)
                                 (*last)["usageExclusive"] = *bytes;
                         }
                         if (!last)
                             return call.fail("io.systemd.MachineImage.NoSuchImage");
                         call.reply(std::move(*last));
                     };
                     list->go_on();
                 });
}

json row_of(const PoolImage& image) {
    json row{{"name", image.name},
             {"path", image.path.string()},
             {"type", name_of(image_type_names, image.type)},
             {"class", "machine"},
             {"readOnly", image.read_only}};
    const std::pair<const char*, std::optional<std::uint64_t>> numbers[] = {
        {"creationTimestamp", image.created == 0 ? std::nullopt : std::optional{image.created}},
        {"modificationTimestamp", image.modified == 0 ? std::nullopt : std::optional{image.modified}},
        {"usage", image.usage},
        {"usageExclusive", image.usage_exclusive},
        {"limit", image.limit},
        {"limitExclusive", image.limit_exclusive}};
    for (const auto& [key, number] : numbers)
        if (number)
            row[key] = *number;
    return row;
}

// Image by image, fact by fact: one errand at a time.
struct ImageListing : std::enable_shared_from_this<ImageListing> {
    ImageListing(Service& of, const varlink::Call& by) : service(of), call(by) {}

    Service& service;
    varlink::Call call;
    std::deque<json> rows;
    bool with_metadata = false;
    bool graceful = false;

    void go_on(std::size_t fact = 0) {
        struct Fact {
            ImageErrandKind kind;
            const char* key;
            bool is_list;
        };
        static constexpr Fact facts[] = {{ImageErrandKind::hostname, "hostname", false},
                                         {ImageErrandKind::machine_id, "machineId", false},
                                         {ImageErrandKind::machine_info, "machineInfo", true},
                                         {ImageErrandKind::os_release, "OSRelease", true}};
        while (!with_metadata || fact == std::size(facts)) {
            json row = std::move(rows.front());
            rows.pop_front();
            fact = 0;
            if (rows.empty())
                return call.reply(std::move(row));
            call.reply_more(std::move(row));
        }
        const auto self = shared_from_this();
        const Fact& next = facts[fact];
        service.errands.run({.kind = next.kind, .words = {rows.front().at("name").get<std::string>()}},
                            {.patience = patience},
                            [self, fact, &next](const ErrandAnswer* done, const Failure* failure) {
                                answer(self->call, [&] {
                                    if (failure != nullptr && !self->graceful)
                                        throw Failure{*failure};
                                    const std::string text = failure == nullptr ? text_of(*done) : "";
                                    json& row = self->rows.front();
                                    if (!next.is_list && !text.empty())
                                        row[next.key] = text;
                                    if (next.is_list)
                                        for (const std::string_view line : split(text, '\n'))
                                            if (!line.empty())
                                                row[next.key].push_back(line);
                                    self->go_on(fact + 1);
                                });
                            });
    }
};

void list(Service& service, const varlink::Call& call, Parameters& parameters) {
    const auto name = parameters.optional_text("name");
    const auto metadata = parameters.optional_word("acquireMetadata", {"no", "yes", "graceful"}).value_or("no");
    const auto interactive = parameters.optional_bool(interactive_key);
    parameters.end();
    if (!name && !call.wants_more())
        return call.fail("org.varlink.service.ExpectedMore");
    auto listing = std::make_shared<ImageListing>(service, call);
    listing->with_metadata = metadata != "no";
    listing->graceful = metadata == "graceful";
    const auto go = [&service, listing, name] {
        if (name)
            listing->rows.push_back(row_of(service.images.get(*name)));
        else
            for (const auto& [one, image] : service.images.all())
                listing->rows.push_back(row_of(image));
        listing->go_on();
    };
    if (listing->with_metadata)
        when_allowed(service, call, about(inspect_images, name.value_or(""), "list"), interactive, go);
    else
        go();
}

} // namespace

void attach_varlink_images(VarlinkService& varlink, Service& service) {
    const auto attach = [&](const char* name, void (*handler)(Service&, const varlink::Call&, Parameters&)) {
        varlink.method(std::string{"io.systemd.MachineImage."} + name,
                       [&service, handler](const varlink::Call& call, Parameters& parameters) {
                           handler(service, call, parameters);
                       });
    };
    attach("List", list);
    attach("Update", update);
    attach("Clone", clone);
    attach("Remove", remove);
    attach("SetPoolLimit", set_pool_limit);
    attach("CleanPool", clean_pool);
}

} // namespace machinist
