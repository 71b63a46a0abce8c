// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/stack.hpp"

#include "base/failure.hpp"
#include "image/overlay.hpp"
#include "image/version_order.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t most_entries = 1000;
constexpr std::string_view layer_prefix = "layer@";

bool leads_to_directory(const std::filesystem::path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Failure not_built(const std::filesystem::path& directory, const std::string& entry) {
    return Failure{FailureKind::not_supported, "use mount stack '" + directory.string() + "': '" + entry +
                                                   "' in it is not built yet in this version"};
}

// The names of its layers, the lowest first.
std::vector<std::string> layers_in(const std::filesystem::path& directory) {
    std::vector<std::string> layers;
    std::size_t entries = 0;
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
        const std::string name = entry.path().filename().string();
        if (++entries > most_entries)
            throw Failure{FailureKind::hostile, "use mount stack '" + directory.string() + "': it has more than " +
                                                    std::to_string(most_entries) + " entries"};
        if (name.starts_with("bind@") || name.starts_with("robind@") || name == "root" ||
            (name.starts_with(layer_prefix) && (name.ends_with(".raw") || name.ends_with(".v"))))
            throw not_built(directory, name);
        if (name.starts_with(layer_prefix))
            layers.push_back(name);
    }
    std::ranges::sort(layers, [](const std::string& one, const std::string& other) {
        const int order = compare_versions(one, other);
        return order != 0 ? order < 0 : one < other;
    });
    return layers;
}

std::vector<UniqueFd> open_lowers(const Stack& stack, bool with_upper) {
    std::vector<UniqueFd> lowers;
    if (with_upper && stack.upper_space)
        if (auto data = open_path_if_exists(*stack.upper_space / "data", O_PATH | O_DIRECTORY))
            lowers.push_back(std::move(*data));
    for (auto layer = stack.layers.rbegin(); layer != stack.layers.rend(); ++layer)
        lowers.push_back(open_path(*layer, O_PATH | O_DIRECTORY));
    return lowers;
}

UniqueFd look_through(std::vector<UniqueFd> lowers) {
    if (lowers.size() == 1)
        return open_path(path_of_descriptor(lowers[0]), O_RDONLY | O_DIRECTORY);
    const UniqueFd mount = make_read_only_overlay({lowers.begin(), lowers.end()});
    return open_path(path_of_descriptor(mount), O_RDONLY | O_DIRECTORY);
}

} // namespace

bool is_stack(const std::filesystem::path& directory) {
    const auto& name = directory.has_filename() ? directory : directory.parent_path();
    return name.native().ends_with(stack_suffix);
}

bool is_announced_layer(const std::filesystem::path& link) {
    std::error_code none;
    const auto target = std::filesystem::read_symlink(link, none);
    struct stat status {};
    return !none && ::lstat(target.c_str(), &status) < 0 &&
           ::lstat((target.parent_path() / "references").c_str(), &status) == 0;
}

Stack read_stack(const std::filesystem::path& directory) {
    Stack stack;
    if (leads_to_directory(directory / "rw"))
        stack.upper_space = directory / "rw";
    const auto layers = layers_in(directory);
    for (const std::string& layer : layers) {
        if (leads_to_directory(directory / layer))
            stack.layers.push_back(directory / layer);
        else if (layer != layers.back() || !is_announced_layer(directory / layer))
            throw Failure{FailureKind::hostile,
                          "use mount stack '" + directory.string() + "': its layer '" + layer + "' is not there"};
    }
    if (stack.layers.empty())
        throw Failure{FailureKind::hostile, "use mount stack '" + directory.string() + "': it has no layers"};
    return stack;
}

UniqueFd open_image_tree(const std::filesystem::path& directory) {
    if (!is_stack(directory))
        return open_path(directory, O_RDONLY | O_DIRECTORY);
    return doing("look into '" + directory.string() + "'",
                 [&] { return look_through(open_lowers(read_stack(directory), true)); });
}

UniqueFd open_layers(const Stack& stack) {
    return look_through(open_lowers(stack, false));
}

} // namespace machinist
