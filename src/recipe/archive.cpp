// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recipe/archive.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/os_release.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"

#include <algorithm>
#include <array>

namespace machinist {

namespace {

constexpr std::string_view moment_mark = "@SNAPSHOTID@";

// Options of the host's apt that are about reaching archives, and no others: a tree is not to be made by its policy.
constexpr std::array<std::string_view, 9> options_of_reach{
    "Acquire::Check-Valid-Until", "Acquire::Check-Date",    "Acquire::Retries",
    "Acquire::ForceIPv4",         "Acquire::ForceIPv6",     "Acquire::http::Proxy",
    "Acquire::https::Proxy",      "Acquire::http::Timeout", "Acquire::https::Timeout"};

bool is_rolling(std::string_view suite) {
    return suite == "sid" || suite == "unstable" || suite == "experimental";
}

std::string with_moment(std::string uri, const std::string& moment) {
    for (std::size_t at = 0; (at = uri.find(moment_mark)) != std::string::npos;)
        uri.replace(at, moment_mark.size(), moment);
    return uri;
}

void add_option(HostArchives& host, std::string_view line) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos || !line.ends_with("\";"))
        return;
    const std::string_view name = line.substr(0, blank);
    const std::string_view value = line.substr(blank + 2, line.size() - blank - 4);
    constexpr std::string_view snapshots = "Acquire::Snapshots::URI::";
    if (name.starts_with(snapshots) && value.find(moment_mark) != std::string_view::npos)
        host.snapshots = host.snapshots.value_or(std::string{value});
    else if (std::ranges::find(options_of_reach, name) != options_of_reach.end() && !value.empty())
        host.apt_options.push_back(std::string{name} + " \"" + std::string{value} + "\"");
}

} // namespace

HostArchives parse_host_archives(std::string_view release, std::string_view targets, std::string_view dump) {
    HostArchives host;
    host.release = release;
    for (const std::string_view line : split(targets, '\n')) {
        const auto words = split_words(line);
        if (words.size() < 4 || words[2] != "main" || words[3] != "Packages" ||
            !(words[0].starts_with("http://") || words[0].starts_with("https://") || words[0].starts_with("ftp://")))
            continue;
        constexpr std::array<std::string_view, 5> by_role{"stable", "oldstable", "testing", "sid", "unstable"};
        if (words[1] == release || std::ranges::find(by_role, words[1]) != by_role.end())
            host.mirror = host.mirror.value_or(std::string{words[0]});
        else if (words[1].ends_with("-security"))
            host.security = words[0];
    }
    for (const std::string_view line : split(dump, '\n'))
        add_option(host, trimmed(line));
    return host;
}

HostArchives read_host_archives() {
    const auto answer = [](const std::vector<std::string>& command) -> std::string {
        try {
            const ProgramResult result = run_program(command);
            return result.status == 0 ? result.output : "";
        } catch (const Failure&) {
            return {};
        }
    };
    std::string release;
    if (const auto text = read_file_if_exists("/etc/os-release"))
        if (const auto fields = parse_os_release(*text))
            if (const auto found = fields->find("VERSION_CODENAME"); found != fields->end())
                release = found->second;
    return parse_host_archives(
        release, answer({"apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT) $(CREATED_BY)"}),
        answer({"apt-config", "dump", "--format", "%F \"%v\";%n"}));
}

std::vector<std::string> archive_lines(const Recipe& recipe, const std::vector<std::string>& mirrors,
                                       const HostArchives& host) {
    std::vector<std::string> named = mirrors.empty() ? recipe.mirrors : mirrors;
    if (recipe.snapshot && named.empty()) {
        if (!host.snapshots)
            throw Failure{FailureKind::not_found,
                          "find the archive as it was at " + *recipe.snapshot + ": nothing tells where snapshots are"}
                .try_instead("--mirror=URI, or 'mirror=URI' in the recipe, with @SNAPSHOTID@ in it");
        named.push_back(*host.snapshots);
    }
    const std::string components = joined(recipe.components, " ");
    std::vector<std::string> lines;
    const auto add = [&](const std::string& uri, const std::string& suite) {
        // What was valid then is not by now.
        lines.push_back("deb " + std::string{recipe.snapshot ? "[check-valid-until=no] " : ""} +
                        with_moment(uri, recipe.snapshot.value_or("")) + " " + suite + " " + components);
    };
    for (const std::string& uri : named) {
        if (!recipe.snapshot && uri.find(moment_mark) != std::string::npos)
            throw Failure{FailureKind::invalid, "use the archive '" + uri + "': the recipe names no moment"}
                .try_instead("'snapshot=20250901T000000Z' in it");
        add(uri, recipe.suite);
    }
    if (!named.empty() || !host.mirror)
        return lines;
    add(*host.mirror, recipe.suite);
    if (!is_rolling(recipe.suite)) {
        add(*host.mirror, recipe.suite + "-updates");
        if (host.security)
            add(*host.security, recipe.suite + "-security");
    }
    return lines;
}

std::vector<std::string> bootstrap_command(const Recipe& recipe, const std::filesystem::path& tree, bool has_sources,
                                           const HostArchives& host) {
    std::vector<std::string> command{"mmdebstrap", "--mode=root", "--format=directory", "--variant=" + recipe.variant};
    if (!recipe.packages.empty())
        command.push_back("--include=" + joined(recipe.packages, ","));
    if (!has_sources && recipe.components != std::vector<std::string>{"main"})
        command.push_back("--components=" + joined(recipe.components, ","));
    for (const std::string& option : host.apt_options)
        command.push_back("--aptopt=" + option);
    command.push_back(recipe.suite);
    command.push_back(tree.string());
    if (has_sources)
        command.emplace_back("-");
    return command;
}

} // namespace machinist
