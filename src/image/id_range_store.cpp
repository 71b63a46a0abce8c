// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/id_range_store.hpp"

#include "base/failure.hpp"
#include "base/machine_name.hpp"
#include "base/siphash24.hpp"
#include "base/text.hpp"
#include "image/host_ids.hpp"
#include "image/image_lock.hpp"
#include "kernel/files.hpp"
#include "kernel/user_namespace.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace machinist {

namespace {

constexpr int random_attempts = 100;
constexpr std::uint32_t base_mask = 0xffff0000;
constexpr SipHashKey hash_key{0xe1, 0x56, 0xe0, 0xf0, 0x4a, 0xf0, 0x41, 0xaf,
                              0x96, 0x41, 0xcf, 0x41, 0x33, 0x94, 0xff, 0x72};

// A machine's name never begins with a dot.
constexpr const char* owners = ".by-base";

bool in_range(std::uint32_t base) {
    return base >= IdRangeStore::first && base <= IdRangeStore::last && base % IdRangeStore::size == 0;
}

std::uint32_t reduced(std::uint32_t number) {
    return (number % (IdRangeStore::last - IdRangeStore::first) + IdRangeStore::first) & base_mask;
}

std::uint32_t random_base() {
    std::uint32_t number = 0;
    if (::getrandom(&number, sizeof number, 0) != sizeof number)
        throw system_failure("get random bytes");
    return reduced(number);
}

bool is_mapped(const std::string& id_map, std::uint32_t base) {
    return std::ranges::any_of(read_id_maps(id_map), [&](const IdMap& map) {
        return base >= map.inside && IdRangeStore::size <= map.count &&
               base - map.inside <= map.count - IdRangeStore::size;
    });
}

// Those of a machine in which we run; nothing on a host, where all are mapped.
std::vector<std::uint32_t> few_candidates(const std::string& id_map) {
    std::vector<std::uint32_t> candidates;
    for (const IdMap& map : read_id_maps(id_map)) {
        if (map.count >= IdRangeStore::last)
            return {};
        for (std::uint64_t base = std::max(map.inside, IdRangeStore::first);
             base + IdRangeStore::size <= std::uint64_t{map.inside} + map.count; base += IdRangeStore::size)
            if (in_range(static_cast<std::uint32_t>(base)))
                candidates.push_back(static_cast<std::uint32_t>(base));
    }
    return candidates;
}

void check_name(std::string_view name) {
    if (!MachineName::parse(name))
        throw Failure{FailureKind::invalid,
                      "keep a range of ids for '" + escaped_for_people(name) + "': it is not the name of a machine"};
}

std::filesystem::file_time_type last_use(const std::filesystem::path& record) {
    std::error_code gone;
    return std::filesystem::last_write_time(record, gone);
}

std::optional<std::string> link_target(const std::filesystem::path& path) {
    std::error_code error;
    auto target = std::filesystem::read_symlink(path, error);
    if (error)
        return std::nullopt;
    return target.string();
}

} // namespace

IdRangeStore::IdRangeStore() : IdRangeStore(Places{}) {}

IdRangeStore::IdRangeStore(Places places) : places_(std::move(places)) {}

std::uint32_t IdRangeStore::of_name(std::string_view name) {
    return reduced(static_cast<std::uint32_t>(siphash24(name, hash_key)));
}

std::optional<std::uint32_t> IdRangeStore::stored(std::string_view name) const {
    check_name(name);
    const auto text = read_file_if_exists(places_.stored / name);
    if (!text)
        return std::nullopt;
    const auto base = parse_integer<std::uint32_t>(trimmed(*text));
    return base && in_range(*base) ? base : std::nullopt;
}

void IdRangeStore::forget(std::string_view name) const {
    const auto base = stored(name);
    ::unlink((places_.stored / name).c_str());
    if (!base)
        return;
    const auto owner = places_.stored / owners / std::to_string(*base);
    if (link_target(owner) == name)
        ::unlink(owner.c_str());
}

IdRange IdRangeStore::pick(const IdRangeRequest& request) const {
    return doing("pick a range of ids for machine '" + request.name + "'", [&] {
        const auto kept = stored(request.name);
        if (kept && is_mapped(places_.id_map, *kept)) {
            // It was checked against the host when it was given to the name.
            if (auto lock = lock_range(*kept)) {
                note_use(request.name);
                return IdRange{*kept, std::move(*lock), lock_path(*kept)};
            }
        }
        IdRangeRequest wanted = request;
        // An instance runs already in the range of this name: another one for this time only.
        wanted.remember = request.remember && !kept;
        if (request.tree_owner && in_range(*request.tree_owner))
            if (auto range = try_candidate(wanted, *request.tree_owner))
                return std::move(*range);
        if (auto range = try_candidate(wanted, of_name(request.name)))
            return std::move(*range);
        if (auto range = try_any(wanted))
            return std::move(*range);
        throw Failure{FailureKind::busy, "no free range was found"}.try_instead(
            "--private-users=BASE with a range of your own");
    });
}

IdRange IdRangeStore::pick_another() const {
    IdRangeRequest nobodys;
    nobodys.remember = false;
    if (auto range = try_any(nobodys))
        return std::move(*range);
    throw Failure{FailureKind::busy, "pick another range of ids: no free one was found"};
}

// At random, but where there are few, each is tried; then those that are kept for names.
std::optional<IdRange> IdRangeStore::try_any(const IdRangeRequest& request) const {
    const std::vector<std::uint32_t> few = few_candidates(places_.id_map);
    for (const std::uint32_t base : few)
        if (auto range = try_candidate(request, base))
            return range;
    for (int attempt = 0; few.empty() && attempt < random_attempts; ++attempt)
        if (auto range = try_candidate(request, random_base()))
            return range;
    return take_over_longest_unused(request);
}

std::optional<IdRange> IdRangeStore::take_over_longest_unused(const IdRangeRequest& request) const {
    for (const std::string& name : longest_unused_first()) {
        const auto base = stored(name);
        if (!base || !is_mapped(places_.id_map, *base))
            continue;
        auto lock = lock_range(*base);
        if (!lock)
            continue;
        IdRange range{*base, std::move(*lock), lock_path(*base)};
        if (request.remember) {
            forget(name);
            if (!keep(request.name, *base))
                continue;
        }
        return range;
    }
    return std::nullopt;
}

std::vector<std::string> IdRangeStore::longest_unused_first() const {
    std::vector<std::pair<std::filesystem::file_time_type, std::string>> records;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator{places_.stored, ignored})
        if (std::string name = entry.path().filename(); MachineName::parse(name))
            records.emplace_back(last_use(entry.path()), std::move(name));
    std::ranges::sort(records);
    std::vector<std::string> names;
    for (auto& [time, name] : records)
        names.push_back(std::move(name));
    return names;
}

void IdRangeStore::note_use(const std::string& name) const {
    ::utimensat(AT_FDCWD, (places_.stored / name).c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
}

std::filesystem::path IdRangeStore::lock_path(std::uint32_t base) const {
    return places_.locks / std::to_string(base);
}

std::optional<UniqueFd> IdRangeStore::lock_range(std::uint32_t base) const {
    make_directories(places_.locks, 0755);
    return lock_file(lock_path(base), LockMode::exclusive);
}

std::optional<IdRange> IdRangeStore::try_candidate(const IdRangeRequest& request, std::uint32_t base) const {
    if (!is_mapped(places_.id_map, base) || is_owned_by_other(request.name, base))
        return std::nullopt;
    auto lock = lock_range(base);
    if (!lock)
        return std::nullopt;
    IdRange range{base, std::move(*lock), lock_path(base)};
    if (host_knows_ids(base, size, {places_.etc, places_.getent}) || (request.remember && !keep(request.name, base))) {
        remove_lock_file_if_free(range.lock_file);
        return std::nullopt;
    }
    return range;
}

bool IdRangeStore::is_owned_by_other(std::string_view name, std::uint32_t base) const {
    const auto owner = link_target(places_.stored / owners / std::to_string(base));
    if (!owner || *owner == name)
        return false;
    // A claim counts only if its owner knows of it: it was made before the owner's file.
    return MachineName::parse(*owner) && stored(*owner) == base;
}

bool IdRangeStore::keep(std::string_view name, std::uint32_t base) const {
    make_directories(places_.stored / owners, 0700);
    const auto owner = places_.stored / owners / std::to_string(base);
    // The range's lock is held by us, so nobody else claims it now: a claim that is there is ours or a remnant.
    ::unlink(owner.c_str());
    if (::symlink(std::string{name}.c_str(), owner.c_str()) < 0) {
        if (errno == EEXIST)
            return false;
        throw system_failure("make '" + owner.string() + "'");
    }
    write_atomically(places_.stored / name, std::to_string(base) + "\n", 0600);
    return true;
}

std::uint32_t range_of_owner(std::uint32_t uid, std::uint32_t gid) {
    const std::string owner = std::to_string(uid) + ":" + std::to_string(gid);
    if (uid % IdRangeStore::size != 0)
        throw Failure{FailureKind::invalid, "use the owner of the tree (" + owner +
                                                ") as the range of ids: " + "it is not the first of a range of 65536"}
            .try_instead("--private-users=pick");
    if (uid != gid)
        throw Failure{FailureKind::invalid,
                      "use the owner of the tree (" + owner + ") as the range of ids: its user and group differ"}
            .try_instead("--private-users=pick");
    return uid;
}

} // namespace machinist
