// SPDX-License-Identifier: LGPL-2.1-or-later
#include "network/link_record.hpp"

#include "base/enum_names.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "network/network_identity.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace machinist {

namespace {

constexpr EnumNames<RecordedKind, 4> kind_names{{{RecordedKind::zone, "zone"},
                                                 {RecordedKind::link, "link"},
                                                 {RecordedKind::inside, "inside"},
                                                 {RecordedKind::moved, "moved"}}};
constexpr EnumNames<MovedKind, 3> moved_names{
    {{MovedKind::virtual_link, "virtual"}, {MovedKind::device, "device"}, {MovedKind::phy, "phy"}}};

constexpr std::string_view made_in_word = "made-in ";

int index_in(std::string_view word) {
    return parse_integer<int>(word).value_or(0);
}

bool read_words(const std::vector<std::string_view>& words, RecordedLink& link) {
    const auto kind = words.empty() ? std::nullopt : value_named(kind_names, words[0]);
    if (!kind)
        return false;
    link.kind = *kind;
    if (link.kind == RecordedKind::zone) {
        link.name = words.size() == 2 ? words[1] : "";
        return !link.name.empty();
    }
    const bool is_moved = link.kind == RecordedKind::moved;
    if (words.size() != (is_moved ? 6 : 3))
        return false;
    link.index = index_in(words[1]);
    link.name = words[is_moved ? 4 : 2];
    if (!is_moved)
        return link.index > 0;
    const auto moved = value_named(moved_names, words[3]);
    link.old_index = index_in(words[2]);
    link.moved = moved.value_or(MovedKind::virtual_link);
    link.machine_name = words[5];
    return link.index > 0 && link.old_index > 0 && moved;
}

} // namespace

std::string to_line(const RecordedLink& link) {
    std::string line{name_of(kind_names, link.kind)};
    if (link.kind != RecordedKind::zone)
        line += " " + std::to_string(link.index);
    if (link.kind == RecordedKind::moved)
        line += " " + std::to_string(link.old_index) + " " + std::string{name_of(moved_names, link.moved)};
    line += " " + link.name;
    if (link.kind == RecordedKind::moved)
        line += " " + link.machine_name;
    return line + "\n";
}

std::vector<RecordedLink> parse_link_record(std::string_view text) {
    std::vector<RecordedLink> links;
    for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
        RecordedLink link;
        if (read_words(split_words(text.substr(0, end), " "), link))
            links.push_back(std::move(link));
    }
    return links;
}

std::uint64_t network_of_link_record(std::string_view text) {
    const std::size_t end = text.find('\n');
    if (!text.starts_with(made_in_word) || end == std::string_view::npos)
        return 0;
    return parse_integer<std::uint64_t>(text.substr(made_in_word.size(), end - made_in_word.size())).value_or(0);
}

LinkRecord::LinkRecord(BorrowedFd run_directory)
    : file_{::openat(run_directory.get(), "network", O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)} {
    if (!file_)
        throw system_failure("open the record of the machine's links");
}

std::string LinkRecord::text() const {
    if (::lseek(file_.get(), 0, SEEK_SET) < 0)
        throw system_failure("read the record of the machine's links");
    return read_all(file_);
}

std::vector<RecordedLink> LinkRecord::read() const {
    return parse_link_record(text());
}

std::uint64_t LinkRecord::made_in() const {
    return network_of_link_record(text());
}

void LinkRecord::append(const RecordedLink& link) {
    std::string lines = to_line(link);
    if (status_of(file_).st_size == 0)
        lines.insert(0, std::string{made_in_word} + std::to_string(own_network_number()) + "\n");
    write_all(file_, lines);
}

void LinkRecord::clear() {
    if (::ftruncate(file_.get(), 0) < 0)
        throw system_failure("empty the record of the machine's links");
}

} // namespace machinist
