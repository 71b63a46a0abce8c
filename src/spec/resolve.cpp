// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/resolve.hpp"

#include "base/text.hpp"
#include "spec/resolving.hpp"

namespace machinist {

namespace {

// Without "." and doubled slashes. ".." stays: what it means depends on links.
Path absolute(const Path& path, const Path& from) {
    std::string text;
    for (const Path& part : from / path)
        if (part != "/" && part != "." && !part.empty())
            text.append("/").append(part.native());
    return text.empty() ? "/" : text;
}

} // namespace

namespace resolving {

void Resolving::problem(FailureKind kind, std::string_view option, std::string sentence, std::string remedy) {
    problems.push_back({kind, std::string{option}, {}, std::move(sentence), std::move(remedy)});
}

void Resolving::problem(std::string_view option, std::string sentence, std::string remedy) {
    problem(FailureKind::invalid, option, std::move(sentence), std::move(remedy));
}

void Resolving::warn(std::string_view option, std::string sentence, std::string remedy) {
    warnings.push_back({FailureKind::invalid, std::string{option}, {}, std::move(sentence), std::move(remedy)});
}

std::optional<std::string> Resolving::environment(const std::string& name) const {
    const auto entry = host.environment.find(name);
    if (entry == host.environment.end() || entry->second.empty())
        return std::nullopt;
    return entry->second;
}

bool Resolving::environment_flag(const std::string& name, bool by_default) {
    const auto text = environment(name);
    const auto value = text ? parse_bool(*text) : by_default;
    if (!value)
        problem(name, "environment variable " + name + ": '" + escaped_for_people(*text) + "' is neither yes nor no");
    return value.value_or(by_default);
}

} // namespace resolving

std::variant<Path, MachineName> image_of_request(const StartRequest& request, const HostFacts& host) {
    for (const auto& path : {request.image, request.directory, request.stack})
        if (path)
            return absolute(*path, host.working_directory);
    if (request.machine && request.make_from)
        return Path{"/var/lib/machines"} / request.machine->text();
    if (request.machine)
        return *request.machine;
    return absolute("", host.working_directory);
}

std::optional<MachineName> base_name_of(const StartRequest& request, const Path& image_directory,
                                        const HostFacts& host) {
    if (request.machine)
        return request.machine;
    const Path directory = absolute(image_directory, "/");
    Path name = directory.extension() == ".mstack" ? directory.stem() : directory.filename();
    if (request.image && name.extension() == ".raw")
        name = name.stem();
    return MachineName::cleaned(directory == "/" ? host.hostname : name.native());
}

std::vector<CredentialToLoad> credentials_to_load(const Settings& settings, const HostFacts& host) {
    std::vector<CredentialToLoad> wanted;
    if (!settings.credentials)
        return wanted;
    for (const CredentialSetting& credential : *settings.credentials) {
        if (credential.value)
            continue;
        const auto directory = host.environment.find("CREDENTIALS_DIRECTORY");
        if (credential.load_from.find('/') != std::string::npos)
            wanted.push_back({credential.name, absolute(credential.load_from, host.working_directory)});
        else if (directory != host.environment.end() && !directory->second.empty())
            wanted.push_back({credential.name, absolute(credential.load_from, directory->second)});
    }
    return wanted;
}

std::variant<Resolved, Problems> resolve(const StartRequest& request, const Settings& settings, const ImageFacts& image,
                                         const HostFacts& host, const Chance& chance,
                                         const LoadedCredentials& credentials) {
    resolving::Resolving r{request, settings, image, host, chance, credentials, {}, {}, {}};
    r.spec.manner = request.manner;
    if (host.caller_uid != 0 && !request.dry_run)
        r.problem(FailureKind::not_permitted, "", "only root starts machines; others have the service start theirs",
                  "'machinist --user run'");
    for (const std::string& oddity : image.oddities)
        r.warn("--directory", oddity);
    if (request.make_from)
        r.spec.root.make_from = absolute(*request.make_from, host.working_directory);
    for (const auto part : {resolving::start_mode,
                            resolving::extra_mounts,
                            resolving::root,
                            resolving::identity,
                            resolving::users,
                            resolving::network,
                            resolving::namespaces,
                            resolving::bound_users,
                            resolving::devices,
                            resolving::capabilities,
                            resolving::selinux,
                            resolving::syscall_filter,
                            resolving::nesting,
                            resolving::resources,
                            resolving::console,
                            resolving::payload,
                            resolving::forwarded_journal,
                            resolving::credentials,
                            resolving::integration,
                            resolving::registration})
        part(r);
    if (!r.problems.empty())
        return std::move(r.problems);
    return Resolved{std::move(r.spec), std::move(r.warnings)};
}

} // namespace machinist
