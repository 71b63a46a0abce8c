// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/errand/image_errands.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/clone_image.hpp"
#include "image/image_changes.hpp"
#include "image/image_metadata.hpp"
#include "image/leftovers.hpp"
#include "image/set_aside.hpp"

#include <cstdio>
#include <iterator>
#include <optional>

namespace machinist {

namespace {

const std::string& word(const ImageErrand& errand, std::size_t at) {
    if (at >= errand.words.size())
        throw Failure{FailureKind::usage,
                      "machinist-image needs more words for " + std::string{name_of(image_errand_names, errand.kind)}};
    return errand.words[at];
}

bool is_yes(const std::string& text) {
    return text == "yes";
}

std::optional<std::uint64_t> limit_in(const std::string& text) {
    if (text == "-")
        return std::nullopt;
    const auto bytes = parse_integer<std::uint64_t>(text);
    if (!bytes)
        throw Failure{FailureKind::invalid, "'" + escaped_for_people(text) + "' is no number of bytes"};
    return bytes;
}

// The caller has what was asked for when the image is gone.
void delete_behind(const Pool& pool, const Leftovers& leftovers) {
    if (!leftovers.empty())
        do_behind([&] { delete_leftovers(pool.places(), leftovers, [](const Failure&) {}); });
}

std::string clean(const Pool& pool, bool all) {
    std::string lines;
    Leftovers leftovers;
    std::optional<Failure> first;
    for (const PoolImage& image : images_to_clean(pool, all)) {
        try {
            auto left = remove_image(pool, image.name);
            leftovers.insert(leftovers.end(), std::make_move_iterator(left.begin()),
                             std::make_move_iterator(left.end()));
            lines += std::to_string(image.usage_exclusive.value_or(UINT64_MAX)) + " " + image.name + "\n";
        } catch (const Failure& failure) {
            if (!first)
                first = failure;
        }
    }
    delete_behind(pool, leftovers);
    if (first)
        throw std::move(*first);
    return lines;
}

std::string lines_of(const std::map<std::string, std::string>& fields) {
    std::string lines;
    for (const auto& [key, value] : fields)
        lines.append(key).append("=").append(value).append("\n");
    return lines;
}

} // namespace

std::string do_image_errand(const Pool& pool, const ImageErrand& errand) {
    const auto metadata = [&] { return read_image_metadata(pool.get(word(errand, 0))); };
    switch (errand.kind) {
    case ImageErrandKind::clone:
        clone_image(pool, word(errand, 0), word(errand, 1), {.read_only = is_yes(word(errand, 2))});
        return {};
    case ImageErrandKind::rename: rename_image(pool, word(errand, 0), word(errand, 1)); return {};
    case ImageErrandKind::remove: delete_behind(pool, remove_image(pool, word(errand, 0))); return {};
    case ImageErrandKind::read_only: mark_image_read_only(pool, word(errand, 0), is_yes(word(errand, 1))); return {};
    case ImageErrandKind::limit: set_image_limit(pool, word(errand, 0), limit_in(word(errand, 1))); return {};
    case ImageErrandKind::pool_limit: set_pool_limit(pool, limit_in(word(errand, 0))); return {};
    case ImageErrandKind::clean: return clean(pool, word(errand, 0) == "all");
    case ImageErrandKind::hostname: return metadata().hostname;
    case ImageErrandKind::machine_id: {
        const auto id = metadata().machine_id;
        return id ? id->plain() : "";
    }
    case ImageErrandKind::machine_info: return lines_of(metadata().machine_info);
    case ImageErrandKind::os_release: return lines_of(metadata().os_release);
    }
    return {};
}

} // namespace machinist
