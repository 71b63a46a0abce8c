// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/image_verbs.hpp"
#include "cli/control/leftovers.hpp"
#include "cli/control/size_text.hpp"
#include "image/clone_image.hpp"
#include "image/image_changes.hpp"
#include "image/instances.hpp"

#include <cstdio>
#include <iterator>

namespace machinist {

namespace {

// Each on its own: one that cannot be done keeps none of the others from it.
template <typename Each>
bool for_each_name(const std::vector<std::string>& names, Each&& each) {
    bool all_done = true;
    for (const std::string& name : names) {
        try {
            each(name);
        } catch (const Failure& failure) {
            std::fprintf(stderr, "machinist: %s\n", failure.what());
            all_done = false;
        }
    }
    return all_done;
}

std::optional<std::uint64_t> limit_from(const std::string& text) {
    if (text == "-")
        return std::nullopt;
    const auto bytes = parse_size(text);
    if (!bytes)
        throw Failure{FailureKind::invalid,
                      "set-limit: '" + escaped_for_people(text) + "' is neither a size such as 10G nor '-' for none"};
    return bytes;
}

// Nothing where it is not known.
std::string freed_text(const std::optional<std::uint64_t>& bytes) {
    return bytes ? ". Freed exclusive disk space: " + size_text(*bytes) : "";
}

} // namespace

int clone_an_image(const Invocation& call, const MachineStore&) {
    if (call.instances && call.words.size() > 1)
        throw Failure{FailureKind::usage, "'clone --instances' takes no second name"};
    if (call.instances) {
        for (const std::string& name : make_instances(Pool{}, call.words[0], *call.instances))
            std::printf("%s\n", name.c_str());
        return 0;
    }
    if (call.words.size() < 2)
        throw Failure{FailureKind::usage, "'clone' needs two names"};
    clone_image(Pool{}, call.words[0], call.words[1],
                {.read_only = call.read_only, .way = call.copy ? CloneWay::copy : CloneWay::automatic});
    return 0;
}

int rename_an_image(const Invocation& call, const MachineStore&) {
    rename_image(Pool{}, call.words[0], call.words[1]);
    return 0;
}

int remove_images(const Invocation& call, const MachineStore&) {
    const Pool pool;
    Leftovers leftovers;
    const bool all_gone = for_each_name(call.words, [&](const std::string& name) {
        auto left = remove_image(pool, name);
        leftovers.insert(leftovers.end(), std::make_move_iterator(left.begin()), std::make_move_iterator(left.end()));
    });
    delete_behind(call, pool, leftovers);
    return all_gone ? 0 : 1;
}

int mark_read_only(const Invocation& call, const MachineStore&) {
    bool read_only = true;
    if (call.words.size() > 1) {
        const auto value = parse_bool(call.words[1]);
        if (!value)
            throw Failure{FailureKind::invalid,
                          "read-only: '" + escaped_for_people(call.words[1]) + "' is neither yes nor no"};
        read_only = *value;
    }
    mark_image_read_only(Pool{}, call.words[0], read_only);
    return 0;
}

int set_limit(const Invocation& call, const MachineStore&) {
    const auto bytes = limit_from(call.words.back());
    if (call.words.size() == 1)
        set_pool_limit(Pool{}, bytes);
    else
        set_image_limit(Pool{}, call.words[0], bytes);
    return 0;
}

int clean_pool(const Invocation& call, const MachineStore&) {
    const Pool pool;
    Leftovers leftovers;
    std::size_t removed = 0;
    std::uint64_t freed = 0;
    bool is_known = true; // how much is freed
    bool all_gone = true;
    for (const PoolImage& image : images_to_clean(pool, call.show_empty)) {
        all_gone =
            for_each_name({image.name},
                          [&](const std::string& name) {
                              auto left = remove_image(pool, name);
                              leftovers.insert(leftovers.end(), std::make_move_iterator(left.begin()),
                                               std::make_move_iterator(left.end()));
                              ++removed;
                              freed += image.usage_exclusive.value_or(0);
                              is_known = is_known && image.usage_exclusive;
                              if (!call.quiet)
                                  std::fprintf(stderr, "Removed image '%s'%s\n", escaped_for_people(name).c_str(),
                                               freed_text(image.usage_exclusive).c_str());
                          }) &&
            all_gone;
    }
    if (!call.quiet)
        std::fprintf(stderr, "Removed %zu images in total.%s\n", removed,
                     is_known ? (" Total freed exclusive disk space: " + size_text(freed)).c_str() : "");
    delete_behind(call, pool, leftovers);
    return all_gone ? 0 : 1;
}

} // namespace machinist
