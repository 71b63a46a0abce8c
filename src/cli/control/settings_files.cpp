// SPDX-License-Identifier: LGPL-2.1-or-later
// The settings files of images: shown, and changed where the administrator's are.
#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "base/text.hpp"
#include "cli/control/image_verbs.hpp"
#include "image/pool.hpp"
#include "kernel/files.hpp"
#include "kernel/random_suffix.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

using std::filesystem::path;

constexpr std::size_t largest_file = std::size_t{1} << 20;

// "web" and "web.nspawn" are the same.
std::string name_of_file(const std::string& word) {
    const std::string name = word.ends_with(".nspawn") ? word : word + ".nspawn";
    if (!is_image_name(name))
        throw Failure{FailureKind::invalid, "'" + escaped_for_people(word) + "' is no name of a settings file"};
    return name;
}

std::optional<path> find_file(const PoolPlaces& places, const std::string& name) {
    std::vector<path> directories = places.settings;
    directories.push_back(places.new_images);
    for (const path& directory : directories)
        if (struct stat status{}; ::stat((directory / name).c_str(), &status) == 0 && S_ISREG(status.st_mode))
            return directory / name;
    return std::nullopt;
}

std::string read_settings(const path& file) {
    const UniqueFd opened = open_path(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    std::string text = doing("read '" + file.string() + "'", [&] { return read_all(opened, largest_file + 1); });
    if (text.size() > largest_file)
        throw Failure{FailureKind::invalid, "read '" + file.string() + "': it is larger than 1 MiB"};
    return text;
}

std::vector<std::string> editors() {
    std::vector<std::string> found;
    for (const char* variable : {"SYSTEMD_EDITOR", "EDITOR", "VISUAL"})
        if (const char* value = std::getenv(variable); value && *value && found.empty())
            found.emplace_back(value);
    for (const char* usual : {"editor", "nano", "vim", "vi"})
        if (found.empty() || !std::getenv("SYSTEMD_EDITOR"))
            found.emplace_back(usual);
    return found;
}

// The person's own choice may be a command with arguments: the shell splits it, as for other programs.
void run_editor(const path& file) {
    for (const std::string& editor : editors()) {
        const pid_t child = ::fork();
        if (child < 0)
            throw system_failure("start an editor");
        if (child == 0) {
            const std::string script = "exec " + editor + " \"$@\"";
            ::execl("/bin/sh", "sh", "-c", script.c_str(), editor.c_str(), file.c_str(), nullptr);
            ::_exit(127);
        }
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 127)
            throw Failure{FailureKind::system, "edit '" + file.string() + "': '" + editor + "' did not end well"};
    }
    throw Failure{FailureKind::not_found, "edit '" + file.string() + "': there is no editor"}.try_instead(
        "the variable EDITOR");
}

void edit_one(const PoolPlaces& places, const std::string& name) {
    const path target = places.settings.front() / name;
    const auto present = find_file(places, name);
    make_directories(target.parent_path(), 0755);
    // Beside the target, so that what was saved appears at once and whole.
    const path draft = target.parent_path() / (".#new." + random_suffix() + ".nspawn");
    const std::string before = present ? read_settings(*present) : "";
    {
        const UniqueFd file = open_path(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
        write_all(file, before);
    }
    const ScopeExit remove_draft{[&] { ::unlink(draft.c_str()); }};
    run_editor(draft);
    const std::string after = read_settings(draft);
    if (after == before || trimmed(after).empty()) {
        std::fprintf(stderr, "machinist: editing '%s' was given up: it is %s\n", target.c_str(),
                     after == before ? "unchanged" : "empty");
        return;
    }
    const UniqueFd file = open_path(draft, O_RDONLY);
    if (::fdatasync(file.get()) < 0 || ::rename(draft.c_str(), target.c_str()) < 0)
        throw system_failure("write '" + target.string() + "'");
}

} // namespace

int edit_settings(const Invocation& call, const MachineStore&) {
    if (::isatty(STDIN_FILENO) == 0 && !std::getenv("SYSTEMD_EDITOR") && !std::getenv("EDITOR"))
        throw Failure{FailureKind::not_supported, "edit settings: standard input is no terminal"}.try_instead(
            "the variable EDITOR, or writing the file");
    const PoolPlaces places;
    for (const std::string& word : call.words)
        edit_one(places, name_of_file(word));
    return 0;
}

int print_settings(const Invocation& call, const MachineStore&) {
    const PoolPlaces places;
    std::string text;
    for (const std::string& word : call.words) {
        const std::string name = name_of_file(word);
        const auto file = find_file(places, name);
        if (!file)
            throw Failure{FailureKind::not_found, "no settings file '" + escaped_for_people(name) + "' known"};
        text.append(text.empty() ? "" : "\n").append("# ").append(file->native()).append("\n");
        text.append(read_settings(*file));
        if (!text.ends_with('\n'))
            text.append("\n");
    }
    std::fputs(text.c_str(), stdout);
    return 0;
}

} // namespace machinist
