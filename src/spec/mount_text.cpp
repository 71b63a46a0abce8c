// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/mount_text.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace machinist {

namespace {

constexpr NoMount open_escape() {
    return {"ends in a backslash"};
}

bool has_nul(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

std::optional<MountSource> parse_source(std::string_view text) {
    MountSource source;
    if (text.starts_with('+')) {
        source.in_image = true;
        text.remove_prefix(1);
    }
    if ((text.empty() && source.in_image) || (!text.empty() && !text.starts_with('/')) || has_nul(text))
        return std::nullopt;
    source.path = Path{std::string{text}};
    return source;
}

// Separators and backslashes get a backslash before them.
std::string escaped(const Path& path) {
    std::string text;
    for (const char byte : path.native()) {
        if (byte == ':' || byte == '\\')
            text.push_back('\\');
        text.push_back(byte);
    }
    return text;
}

std::string source_text(const MountSource& source) {
    return (source.in_image ? "+" : "") + escaped(source.path);
}

std::string source_complaint(std::string_view text) {
    return "has the source '" + escaped_for_people(text) + "', which is no absolute path";
}

std::string destination_complaint(std::string_view text) {
    return "has the destination '" + escaped_for_people(text) + "', which is no absolute path without '..'";
}

// Nothing if all are known; else the one that is not.
std::optional<std::string> read_bind_options(std::string_view text, ExtraMount& mount) {
    for (const std::string_view word : split_words(text, ",")) {
        if (word == "rbind")
            mount.recursive = true;
        else if (word == "norbind")
            mount.recursive = false;
        else if (const auto mapping = value_named(id_mapping_names, word))
            mount.id_mapping = *mapping;
        else
            return std::string{word};
    }
    return std::nullopt;
}

} // namespace

std::optional<Path> destination_path(std::string_view text) {
    if (!text.starts_with('/') || has_nul(text))
        return std::nullopt;
    std::string normal;
    for (const std::string_view part : split(text, '/')) {
        if (part == "..")
            return std::nullopt;
        if (!part.empty() && part != ".")
            normal.append("/").append(part);
    }
    return Path{normal.empty() ? "/" : normal};
}

ParsedMount parse_bind(std::string_view text, bool read_only) {
    const auto parts = split_escaped(text, ':');
    if (!parts)
        return open_escape();
    if (parts->size() > 3)
        return NoMount{"has more than three parts between colons"};
    ExtraMount mount;
    mount.kind = ExtraMountKind::bind;
    mount.read_only = read_only;
    const auto source = parse_source(parts->front());
    if (!source)
        return NoMount{source_complaint(parts->front())};
    mount.source = *source;
    const bool has_destination = parts->size() > 1 && !(*parts)[1].empty();
    if (!has_destination && source->is_temporary())
        return NoMount{"has neither a source nor a destination"};
    const std::string where = has_destination ? (*parts)[1] : source->path.native();
    const auto destination = destination_path(where);
    if (!destination)
        return NoMount{destination_complaint(where)};
    mount.destination = *destination;
    if (parts->size() == 3)
        if (const auto unknown = read_bind_options((*parts)[2], mount))
            return NoMount{"has the unknown option '" + escaped_for_people(*unknown) + "' (there are rbind, norbind, " +
                           listed(id_mapping_names) + ")"};
    return mount;
}

ParsedMount parse_overlay(std::string_view text, bool read_only) {
    auto parts = split_escaped(text, ':');
    if (!parts)
        return open_escape();
    if (parts->size() < 2)
        return NoMount{"has only one path, an overlay needs a lower and an upper one"};
    ExtraMount mount;
    mount.kind = ExtraMountKind::overlay;
    mount.read_only = read_only;
    std::string where = parts->back();
    if (parts->size() > 2)
        parts->pop_back();
    else if (where.starts_with('+'))
        where.erase(0, 1);
    const auto destination = destination_path(where);
    if (!destination)
        return NoMount{destination_complaint(where)};
    mount.destination = *destination;
    for (const std::string& part : *parts) {
        const bool is_upper = &part == &parts->back();
        const auto source = parse_source(part);
        if (!source || (source->is_temporary() && !is_upper))
            return NoMount{source_complaint(part)};
        if (is_upper && !read_only)
            mount.upper = *source;
        else if (!source->is_temporary())
            mount.lower.push_back(*source);
    }
    return mount;
}

ParsedMount parse_tmpfs(std::string_view text) {
    const auto parts = split_escaped(text, ':');
    if (!parts)
        return open_escape();
    ExtraMount mount;
    mount.kind = ExtraMountKind::tmpfs;
    const auto destination = destination_path(parts->front());
    if (!destination)
        return NoMount{destination_complaint(parts->front())};
    mount.destination = *destination;
    // A value may hold colons itself.
    const std::vector<std::string> options{parts->begin() + 1, parts->end()};
    mount.tmpfs_options = joined(options, ":");
    if (mount.tmpfs_options.empty())
        mount.tmpfs_options = "mode=0755";
    if (has_control_characters(mount.tmpfs_options))
        return NoMount{"has options with control characters"};
    return mount;
}

ParsedMount parse_inaccessible(std::string_view text) {
    const auto destination = destination_path(text);
    if (!destination)
        return NoMount{"is no absolute path without '..'"};
    ExtraMount mount;
    mount.kind = ExtraMountKind::inaccessible;
    mount.destination = *destination;
    return mount;
}

std::string option_text(const ExtraMount& mount) {
    const std::string destination = escaped(mount.destination);
    switch (mount.kind) {
    case ExtraMountKind::bind: {
        std::string text = mount.read_only ? "--bind-ro=" : "--bind=";
        text.append(source_text(mount.source)).append(":").append(destination);
        std::string options = mount.recursive ? "" : "norbind";
        if (mount.id_mapping != IdMapping::none)
            options.append(options.empty() ? "" : ",").append(name_of(id_mapping_names, mount.id_mapping));
        return options.empty() ? text : text + ":" + options;
    }
    case ExtraMountKind::tmpfs: return "--tmpfs=" + destination + ":" + mount.tmpfs_options;
    case ExtraMountKind::read_only: return "read-only " + mount.destination.native();
    case ExtraMountKind::inaccessible: return "--inaccessible=" + mount.destination.native();
    case ExtraMountKind::overlay: break;
    }
    std::string text = mount.read_only ? "--overlay-ro=" : "--overlay=";
    for (const MountSource& lower : mount.lower)
        text.append(source_text(lower)).append(":");
    if (mount.upper)
        text.append(source_text(*mount.upper)).append(":");
    return text + destination;
}

} // namespace machinist
