// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/run_facts.hpp"

#include "base/failure.hpp"
#include "image/disk_image.hpp"
#include "image/disk_visit.hpp"
#include "image/image_facts_reader.hpp"
#include "image/owned_tree.hpp"
#include "image/pool.hpp"
#include "image/settings_reader.hpp"
#include "image/stack.hpp"
#include "image/versioned_directory.hpp"
#include "kernel/file_rights.hpp"
#include "kernel/files.hpp"
#include "supervisor/journal_receiver.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace machinist {

namespace {

bool is_of_plain_user(const Settings& settings) {
    return settings.users && settings.users->owner;
}

constexpr std::size_t largest_credential = 1 << 20;

Path find_by_name(const MachineName& name) {
    const auto image = Pool{}.find(name.text());
    if (!image)
        throw Failure{FailureKind::not_found,
                      "find image '" + name.text() + "': none of that name is in the image search path"}
            .try_instead("--directory=PATH");
    return image->path;
}

// "-D web.v", "--mstack web.mstack.v" and "-i web.raw.v" mean the newest version in it (systemd.v(7)).
Path newest_of(const Path& path) {
    const Path plain = path.has_filename() ? path : path.parent_path();
    std::string name = plain.filename().string();
    if (!name.ends_with(".v"))
        return path;
    name.resize(name.size() - 2);
    const std::string suffix = name.ends_with(stack_suffix) ? stack_suffix : name.ends_with(".raw") ? ".raw" : "";
    name.resize(name.size() - suffix.size());
    const UniqueFd versions{::open(plain.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    const auto newest = versions ? newest_version_in(versions, name, suffix) : std::optional<std::string>{};
    return newest ? plain / *newest : path;
}

// A directory that was cloned has become a mount stack.
Path tree_meant_by(const Path& directory) {
    const Path plain = directory.has_filename() ? directory : directory.parent_path();
    struct stat status {};
    if (::stat(plain.c_str(), &status) < 0 && ::stat((plain.string() + stack_suffix).c_str(), &status) == 0)
        return plain.string() + stack_suffix;
    return newest_of(directory);
}

std::string read_socket(const Path& path) {
    const UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    if (path.native().size() >= sizeof address.sun_path)
        throw Failure{FailureKind::invalid, "connect to '" + path.string() + "': the path is too long for a socket"};
    std::memcpy(address.sun_path, path.c_str(), path.native().size() + 1);
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
        throw system_failure("connect to '" + path.string() + "'");
    return read_all(socket, largest_credential + 1);
}

std::string read_credential(const Path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) < 0)
        throw system_failure("read '" + path.string() + "'");
    std::string value;
    if (S_ISSOCK(status.st_mode))
        value = read_socket(path);
    else if (S_ISREG(status.st_mode))
        value = read_all(open_path(path, O_RDONLY | O_NOCTTY | O_NONBLOCK), largest_credential + 1);
    else
        throw Failure{FailureKind::invalid, "read '" + path.string() + "': it is neither a file nor a socket"};
    if (value.size() > largest_credential)
        throw Failure{FailureKind::invalid, "read '" + path.string() + "': it is larger than 1 MiB"};
    return value;
}

} // namespace

Path find_image(const StartRequest& request, const HostFacts& host) {
    const auto image = image_of_request(request, host);
    // What else a user's path may mean is found out by nobody but the user.
    if (const auto* path = std::get_if<Path>(&image); path != nullptr && is_of_plain_user(request.settings))
        return *path;
    if (const auto* path = std::get_if<Path>(&image))
        return request.image ? newest_of(*path) : tree_meant_by(*path);
    const MachineName& name = std::get<MachineName>(image);
    // A tree that --template shall make has the pool for its place.
    if (request.make_from)
        return Path{"/var/lib/machines"} / name.text();
    return find_by_name(name);
}

namespace {

std::optional<std::string> signature_for(const Settings& settings, const HostFacts& host) {
    constexpr std::size_t largest_signature = 65536;
    const auto& given = settings.root_hash_signature;
    if (!given || given->file.empty())
        return given ? std::optional{given->bytes} : std::nullopt;
    const Path path = (host.working_directory / given->file).lexically_normal();
    std::string bytes = read_all(open_path(path, O_RDONLY | O_NOCTTY | O_NONBLOCK), largest_signature + 1);
    if (bytes.empty() || bytes.size() > largest_signature)
        throw Failure{FailureKind::invalid, "read signature '" + path.string() + "': it is " +
                                                (bytes.empty() ? "empty" : "larger than 64 KiB")};
    return bytes;
}

ImageFacts disk_facts_for(const Settings& settings, const Path& image, const WantedImageFacts& wanted,
                          const HostFacts& host, DiskKeys& keys) {
    if (::geteuid() != 0)
        throw Failure{FailureKind::not_permitted, "look into disk image '" + image.string() + "': it needs root"};
    ImageFacts facts;
    facts.directory = image;
    facts.exists = true;
    facts.read_only = !can_be_written(image);
    std::optional<Path> verity_data;
    if (settings.verity_data)
        verity_data = (host.working_directory / *settings.verity_data).lexically_normal();
    facts.disk = inspect_disk(image, {.policy = settings.image_policy,
                                      .root_hash = settings.root_hash,
                                      .root_hash_signature = signature_for(settings, host),
                                      .verity_data = verity_data});
    const DiskVisit visit{image, *facts.disk, keys};
    read_tree_facts(visit.root(), wanted, facts);
    facts.disk->owner_uid = facts.owner_uid;
    facts.disk->owner_gid = facts.owner_gid;
    return facts;
}

// Looked at with its user's rights: what they may not read is none of the machine's business.
ImageFacts owned_tree_facts(const Path& directory, const PlainUser& owner, const WantedImageFacts& wanted) {
    const UniqueFd root = open_owned_tree(directory, owner);
    const FileRightsOfUser as_user{owner.uid, owner.gid};
    ImageFacts facts;
    facts.directory = directory;
    facts.exists = true;
    read_tree_facts(root, wanted, facts);
    return facts;
}

} // namespace

ImageFacts image_facts_for(const StartRequest& request, const Settings& settings, const Path& directory,
                           const HostFacts& host, DiskKeys& keys) {
    WantedImageFacts wanted;
    // A plain command needs neither, and its start is to be quick.
    wanted.init = wanted.os_release = settings.start && settings.start->boot.value_or(false);
    wanted.timezone = host.timezone_name;
    wanted.accounts = settings.bound_users.has_value();
    if (is_of_plain_user(settings))
        return owned_tree_facts(directory, {*settings.users->owner, host.group_of_owner}, wanted);
    const bool is_called_a_tree = request.directory || request.stack || request.bundle;
    if (is_disk_image(directory) && (request.image || !is_called_a_tree))
        return disk_facts_for(settings, directory, wanted, host, keys);
    struct stat status {};
    if (!request.make_from || ::stat(directory.c_str(), &status) == 0)
        return read_image_facts(directory, wanted);
    ImageFacts facts = read_image_facts((host.working_directory / *request.make_from).lexically_normal(), wanted);
    facts.directory = directory;
    return facts;
}

SettingsFile read_settings_for(const StartRequest& request, const Path& image_directory, const HostFacts& host) {
    const auto name = base_name_of(request, image_directory, host);
    // Those of the administrator are about other machines of that name.
    if (request.settings_use == SettingsUse::none || !name || is_of_plain_user(request.settings))
        return {};
    SettingsSearch search;
    search.beside = directory_beside(image_directory);
    search.trust_all = request.settings_use == SettingsUse::trusted;
    return parse_settings(read_settings(search, name->text()));
}

StartRequest request_for_name(const StartRequest& request) {
    StartRequest changed = request;
    const bool names_an_image = request.directory || request.image || request.stack || request.bundle;
    if (!request.machine || names_an_image || request.settings_use == SettingsUse::none || request.cleanup)
        return changed;
    const auto image = parse_settings(read_settings(SettingsSearch{}, request.machine->text())).settings.image;
    if (!image)
        return changed;
    changed.directory = image->directory;
    changed.image = image->image;
    changed.stack = image->stack;
    if (!changed.make_from)
        changed.make_from = image->make_from;
    return changed;
}

Problems missing_sources(const MachineSpec& spec) {
    Problems problems;
    const auto look = [&](const char* option, const Path& path) {
        struct stat status {};
        if (::stat(path.c_str(), &status) < 0)
            problems.push_back({.kind = FailureKind::not_found,
                                .option = option,
                                .value = path.string(),
                                .sentence = std::string{option} + ": '" + path.string() +
                                            "' cannot be used: " + strerrordesc_np(errno),
                                .remedy = {}});
    };
    for (const ExtraMount& mount : spec.extra_mounts) {
        std::vector<MountSource> sources = mount.lower;
        if (mount.kind == ExtraMountKind::bind)
            sources.push_back(mount.source);
        if (mount.upper)
            sources.push_back(*mount.upper);
        for (const MountSource& source : sources)
            if (!source.in_image && !source.is_temporary())
                look(mount.kind == ExtraMountKind::bind ? "--bind" : "--overlay", source.path);
    }
    for (const DeviceSpec& device : spec.devices)
        look("--device", device.host_path());
    if (spec.network.namespace_path)
        look("--network-namespace-path", *spec.network.namespace_path);
    if (spec.integration.forwarded_journal)
        if (auto problem = problem_of_journal_receiver())
            problems.push_back(std::move(*problem));
    return problems;
}

LoadedCredentials load_credentials(const Settings& settings, const HostFacts& host) {
    LoadedCredentials loaded;
    for (const CredentialToLoad& credential : credentials_to_load(settings, host))
        loaded[credential.name] =
            doing("load credential '" + credential.name + "'", [&] { return read_credential(credential.path); });
    return loaded;
}

} // namespace machinist
