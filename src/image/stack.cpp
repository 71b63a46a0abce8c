// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading them; what they look like mounted is in stack_view.cpp and stack_mount.cpp.
#include "image/stack.hpp"

#include "base/failure.hpp"
#include "image/disk_image.hpp"
#include "image/version_order.hpp"
#include "image/versioned_directory.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>

namespace machinist {

namespace {

using std::filesystem::path;

constexpr std::size_t most_entries = 1000;
constexpr std::string_view disk_suffix = ".raw";
constexpr std::string_view layer_prefix = "layer@";
constexpr std::string_view bind_prefix = "bind@";
constexpr std::string_view read_only_bind_prefix = "robind@";

bool leads_to_directory(const path& place) {
    struct stat status {};
    return ::stat(place.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::optional<int> hexadecimal_digit(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return std::nullopt;
}

class Reader {
public:
    explicit Reader(const path& directory) : directory_(directory) {}

    Stack read() {
        for (const std::string& name : names())
            read_entry(name);
        check();
        std::ranges::sort(layers_, [](const Layer& one, const Layer& other) {
            const int order = compare_versions(one.key, other.key);
            return order != 0 ? order < 0 : one.key < other.key;
        });
        for (const Layer& layer : layers_)
            add_layer(layer);
        std::ranges::sort(stack_.parts, {}, &StackPart::destination);
        // What covers everything leaves nothing to see of the layers.
        if (!stack_.parts.empty() && stack_.parts.front().destination == "/") {
            stack_.root = stack_.parts.front().source;
            stack_.root_is_read_only = stack_.parts.front().read_only;
            stack_.parts.erase(stack_.parts.begin());
            stack_.layers.clear();
            stack_.upper_space.reset();
        }
        return std::move(stack_);
    }

private:
    struct Layer {
        std::string key;
        path place;
    };

    Failure refusal(FailureKind kind, const std::string& sentence) const {
        return Failure{kind, "use mount stack '" + directory_.string() + "': " + sentence};
    }

    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator{directory_}) {
            found.push_back(entry.path().filename().string());
            if (found.size() > most_entries)
                throw refusal(FailureKind::hostile, "it has more than " + std::to_string(most_entries) + " entries");
            if (found.back().starts_with('.'))
                found.pop_back();
        }
        std::ranges::sort(found);
        return found;
    }

    void read_entry(const std::string& name) {
        std::string plain = name;
        path place = directory_ / name;
        if (plain.ends_with(".v") && leads_to_directory(place)) {
            plain.resize(plain.size() - 2);
            place /= newest_in(place, plain);
        }
        if (plain.ends_with(disk_suffix)) {
            plain.resize(plain.size() - disk_suffix.size());
            if (!is_disk_image(place) || plain == "rw" || plain == "root")
                throw refusal(FailureKind::hostile, "'" + name + "' in it is no disk image of a layer or part");
            stack_.has_disks = true;
        }
        if (plain.starts_with(layer_prefix) && plain.size() > layer_prefix.size())
            layers_.push_back({plain, place});
        else if (plain.starts_with(bind_prefix))
            add_part(name, std::string_view{plain}.substr(bind_prefix.size()), place, false);
        else if (plain.starts_with(read_only_bind_prefix))
            add_part(name, std::string_view{plain}.substr(read_only_bind_prefix.size()), place, true);
        else if (plain == "rw")
            only_one(stack_.upper_space, name) = directory_of(name, place);
        else if (plain == "root")
            only_one(stack_.root, name) = directory_of(name, place);
        else
            throw refusal(FailureKind::hostile, "'" + name + "' in it is nothing that a mount stack has");
    }

    [[nodiscard]] std::string newest_in(const path& versions, const std::string& name) const {
        const std::string suffix{name.ends_with(disk_suffix) ? disk_suffix : ""};
        const auto newest = newest_version_in(open_path(versions, O_RDONLY | O_DIRECTORY),
                                              name.substr(0, name.size() - suffix.size()), suffix);
        if (!newest)
            throw refusal(FailureKind::not_found, "'" + versions.filename().string() + "' holds no version for here");
        return *newest;
    }

    std::optional<path>& only_one(std::optional<path>& place, const std::string& name) const {
        if (place)
            throw refusal(FailureKind::hostile, "'" + name + "' is there twice");
        return place;
    }

    [[nodiscard]] path directory_of(const std::string& name, const path& place) const {
        if (!leads_to_directory(place))
            throw refusal(FailureKind::hostile, "'" + name + "' in it is no directory");
        return place;
    }

    void add_part(const std::string& name, std::string_view escaped, const path& place, bool read_only) {
        const auto destination = path_from_unit_name(escaped);
        if (!destination)
            throw refusal(FailureKind::hostile, "'" + name + "' in it names no place");
        if (std::ranges::find(stack_.parts, *destination, &StackPart::destination) != stack_.parts.end())
            throw refusal(FailureKind::hostile, "'" + destination->string() + "' is bound twice");
        stack_.parts.push_back({is_disk_image(place) ? place : directory_of(name, place), *destination, read_only});
    }

    void check() const {
        const auto is_twice = [&](const Layer& layer) {
            return std::ranges::count(layers_, layer.key, &Layer::key) > 1;
        };
        if (std::ranges::any_of(layers_, is_twice))
            throw refusal(FailureKind::hostile, "a layer is there twice");
        if (layers_.empty() && (stack_.upper_space || stack_.is_plain()))
            throw refusal(FailureKind::hostile, "it has no layers");
    }

    void add_layer(const Layer& layer) {
        if (leads_to_directory(layer.place) || is_disk_image(layer.place))
            stack_.layers.push_back(layer.place);
        else if (layer.key != layers_.back().key || !is_announced_layer(layer.place))
            throw refusal(FailureKind::hostile, "its layer '" + layer.key + "' is not there");
        else if (layers_.size() == 1)
            throw refusal(FailureKind::hostile, "it has no layers");
    }

    const path& directory_;
    std::vector<Layer> layers_;
    Stack stack_;
};

} // namespace

bool is_stack(const path& directory) {
    const auto& name = directory.has_filename() ? directory : directory.parent_path();
    return name.native().ends_with(stack_suffix);
}

bool is_announced_layer(const path& link) {
    std::error_code none;
    const auto target = std::filesystem::read_symlink(link, none);
    struct stat status {};
    return !none && ::lstat(target.c_str(), &status) < 0 &&
           ::lstat((target.parent_path() / "references").c_str(), &status) == 0;
}

std::optional<path> path_from_unit_name(std::string_view escaped) {
    if (escaped == "-")
        return "/";
    std::string text = "/";
    for (std::size_t at = 0; at < escaped.size(); ++at) {
        if (escaped[at] != '\\') {
            text += escaped[at] == '-' ? '/' : escaped[at];
            continue;
        }
        const auto rest = escaped.substr(at);
        const auto high = rest.size() >= 4 && rest[1] == 'x' ? hexadecimal_digit(rest[2]) : std::nullopt;
        const auto low = high ? hexadecimal_digit(rest[3]) : std::nullopt;
        const int byte = low ? *high * 16 + *low : 0;
        if (byte == 0 || byte == '/')
            return std::nullopt;
        text += static_cast<char>(byte);
        at += 3;
    }
    const path result{text};
    const bool is_normal = text.size() > 1 && !text.ends_with('/') && text.find("//") == std::string::npos &&
                           result.lexically_normal() == result;
    return is_normal ? std::optional{result} : std::nullopt;
}

Stack read_stack(const path& directory) {
    return Reader{directory}.read();
}

} // namespace machinist
