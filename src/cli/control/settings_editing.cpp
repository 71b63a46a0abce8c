// SPDX-License-Identifier: LGPL-2.1-or-later
// Settings, changed by the person's own editor, and taken only if a start could read them.
#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "base/text.hpp"
#include "cli/control/image_verbs.hpp"
#include "cli/control/settings_files.hpp"
#include "image/image_name.hpp"
#include "image/settings_reader.hpp"
#include "kernel/files.hpp"
#include "kernel/random_suffix.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

using std::filesystem::path;

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

struct Target {
    path file;
    std::string before; // what it says now, or what takes effect without it
};

Target file_of(const std::string& name) {
    Target target{path{settings_directories[0]} / (name + ".nspawn"), {}};
    const auto sources = settings_of_name(name);
    if (!sources.empty() && sources.front().path.extension() == ".nspawn")
        target.before = sources.front().text;
    return target;
}

Target drop_in_of(const std::string& name, const std::string& drop_in) {
    const std::string entry = drop_in.ends_with(".conf") ? drop_in : drop_in + ".conf";
    if (!is_image_name(entry) || entry.starts_with('.'))
        throw Failure{FailureKind::invalid, "--drop-in: '" + escaped_for_people(drop_in) + "' is no name of a file"};
    Target target{path{settings_directories[0]} / (name + ".nspawn.d") / entry, {}};
    for (const SettingsSource& source : settings_of_name(name))
        if (source.path.filename() == entry && source.path.extension() == ".conf")
            target.before = source.text;
    return target;
}

// Said, not thrown: the person may want to go on.
bool would_be_taken(const Target& target, const std::string& text) {
    const SettingsFile file = parse_settings_file(text, target.file, true);
    for (const Problem& warning : file.warnings)
        std::fprintf(stderr, "machinist: warning: %s\n", text_of(warning).c_str());
    for (const Problem& problem : file.problems)
        std::fprintf(stderr, "machinist: %s\n", text_of(problem).c_str());
    return file.problems.empty();
}

bool wants_to_go_on() {
    if (::isatty(STDIN_FILENO) == 0)
        return false;
    std::fputs("Edit it again? Otherwise what was changed is thrown away. [Y/n] ", stderr);
    std::string answer;
    for (int byte = std::getchar(); byte != '\n'; byte = std::getchar()) {
        if (byte == EOF)
            return false;
        answer.push_back(static_cast<char>(byte));
    }
    return answer.empty() || answer.starts_with('y') || answer.starts_with('Y');
}

void put_in_place(const path& draft, const path& target) {
    const UniqueFd file = open_path(draft, O_RDONLY);
    if (::fsync(file.get()) < 0 || ::rename(draft.c_str(), target.c_str()) < 0)
        throw system_failure("write '" + target.string() + "'");
    const UniqueFd directory = open_path(target.parent_path(), O_RDONLY | O_DIRECTORY);
    if (::fsync(directory.get()) < 0)
        throw system_failure("write '" + target.string() + "'");
}

// False if what was written would be refused.
bool edit_one(const Target& target) {
    make_directories(target.file.parent_path(), 0755);
    // Beside the target, so that what was saved appears at once and whole.
    const path draft = target.file.parent_path() / (".#new." + random_suffix());
    {
        const UniqueFd file = open_path(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
        write_all(file, target.before);
    }
    const ScopeExit remove_draft{[&] {
        ::unlink(draft.c_str());
        // A directory of drop-ins that was made for nothing.
        if (target.file.extension() == ".conf")
            ::rmdir(target.file.parent_path().c_str());
    }};
    while (true) {
        run_editor(draft);
        const std::string after = read_settings_source(draft, true).text;
        if (after == target.before || trimmed(after).empty()) {
            std::fprintf(stderr, "machinist: editing '%s' was given up: it is %s\n", target.file.c_str(),
                         after == target.before ? "unchanged" : "empty");
            return true;
        }
        if (would_be_taken(target, after)) {
            put_in_place(draft, target.file);
            return true;
        }
        if (!wants_to_go_on()) {
            std::fprintf(stderr, "machinist: '%s' stays as it was\n", target.file.c_str());
            return false;
        }
    }
}

} // namespace

int edit_settings(const Invocation& call, const MachineStore&) {
    if (::isatty(STDIN_FILENO) == 0 && !std::getenv("SYSTEMD_EDITOR") && !std::getenv("EDITOR"))
        throw Failure{FailureKind::not_supported, "edit settings: standard input is no terminal"}.try_instead(
            "the variable EDITOR, or writing the file");
    bool all_taken = true;
    for (const std::string& word : call.words) {
        const std::string name = name_of_settings(word);
        all_taken = edit_one(call.drop_in ? drop_in_of(name, *call.drop_in) : file_of(name)) && all_taken;
    }
    return all_taken ? 0 : 1;
}

} // namespace machinist
