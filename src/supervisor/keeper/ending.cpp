// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/ending.hpp"

#include "kernel/syscalls.hpp"
#include "supervisor/keeper/random_name.hpp"
#include "supervisor/keeper/removal.hpp"
#include "supervisor/keeper/report.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <iterator>
#include <stdio.h>
#include <sys/stat.h>

namespace machinist::keeper {

namespace {

// What a caller waits for at most before a child goes on; small layers are done sooner.
constexpr Milliseconds short_work = 30;

bool write_text(BorrowedFd file, std::string_view text) {
    return ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool write_whole(BorrowedFd directory, const char* temporary, const char* name, std::string_view text,
                 std::string_view more = {}) {
    const UniqueFd file{
        ::openat(directory.get(), temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
    return file && write_text(file, text) && write_text(file, more) &&
           ::renameat(directory.get(), temporary, directory.get(), name) == 0;
}

// Parent directory and name of the run directory, as long as the path still means it.
struct Name {
    UniqueFd parent;
    Text<255> last;
};

bool find_name(const RunDirectory& run, Name& name) {
    std::string_view path = run.path;
    while (path.size() > 1 && path.ends_with('/'))
        path.remove_suffix(1);
    const std::size_t slash = path.rfind('/');
    Text<1024> parent;
    if (slash == std::string_view::npos)
        parent << '.';
    else
        parent << std::string_view{path.data(), slash == 0 ? 1 : slash};
    path.remove_prefix(slash == std::string_view::npos ? 0 : slash + 1);
    name.last << path;
    name.parent = UniqueFd{::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    struct stat here {};
    struct stat ours {};
    return name.parent && ::fstatat(name.parent.get(), name.last.c_str(), &here, AT_SYMLINK_NOFOLLOW) == 0 &&
           ::fstat(run.directory.get(), &ours) == 0 && here.st_ino == ours.st_ino && here.st_dev == ours.st_dev;
}

// From here on the machine's name is free, whatever is left to do.
void give_name_free(Name& name) {
    char random[17];
    if (name.last.view().starts_with(".#removed.") || !random_name(random))
        return;
    Text<64> aside;
    aside << ".#removed." << random;
    if (::renameat2(name.parent.get(), name.last.c_str(), name.parent.get(), aside.c_str(), RENAME_NOREPLACE) < 0)
        return;
    name.last.clear();
    name.last << aside.view();
}

bool remove_directory(const RunDirectory& run, const Name& name) {
    if (empty_directory(run.directory, never) == Removal::done &&
        ::unlinkat(name.parent.get(), name.last.c_str(), AT_REMOVEDIR) == 0)
        return true;
    complain("remove run directory", run.path, errno);
    return false;
}

bool finish(const RunDirectory& run, const Name& name, const Remains& remains) {
    Remains left;
    left.failed << remains.failed.view();
    if (!remains.unfinished.empty())
        undo(remains.unfinished.view(), {run.directory, {}}, never, left);
    if (left.failed.empty())
        return remove_directory(run, name);
    if (!write_whole(run.directory, ".undo", "undo", left.failed.view()))
        complain("note what is left", run.path, errno);
    return false;
}

// The caller's streams must be let go of: whoever reads them to their end waits for us otherwise. So must the locks
// that were kept for the machine: what is deleted has no use for them, but a new start has.
void detach_from_caller(const RunDirectory& run, const Name& name) {
    ::setsid();
    const UniqueFd nowhere{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    for (int number = 0; number <= 2; ++number)
        ::dup2(nowhere.get(), number);
    int kept[] = {STDERR_FILENO, run.directory.get(), run.lock.get(), name.parent.get()};
    std::sort(std::begin(kept), std::end(kept));
    for (std::size_t i = 0; i < std::size(kept); ++i) {
        const unsigned first = static_cast<unsigned>(kept[i]) + 1;
        const unsigned last = i + 1 < std::size(kept) ? static_cast<unsigned>(kept[i + 1]) - 1 : ~0U;
        if (kept[i] >= STDERR_FILENO && first <= last)
            sys::close_range(first, last, 0);
    }
    for (const int signal : {SIGTERM, SIGINT, SIGHUP})
        ::signal(signal, SIG_IGN);
}

} // namespace

bool end_run_directory(RunDirectory run, std::optional<int> exit_status, Patience patience) {
    Remains remains;
    const Milliseconds until = patience == Patience::wait ? never : now() + short_work;
    undo(run.undo, {run.directory, run.network}, until, remains);
    run.network.reset();

    if (exit_status) {
        Text<16> text;
        text << *exit_status << '\n';
        if (!write_whole(run.directory, ".exit", "exit", text.view()))
            complain("write exit status", run.path, errno);
    }
    Name name;
    if (!find_name(run, name)) {
        // Removed or replaced by somebody else; only what the lines say was ours then.
        return remains.failed.empty() && remains.unfinished.empty();
    }
    if (!remains.unfinished.empty() || !remains.failed.empty())
        write_whole(run.directory, ".undo", "undo", remains.failed.view(), remains.unfinished.view());
    give_name_free(name);
    if (!remains.unfinished.empty() && patience == Patience::leave_to_child) {
        const pid_t child = ::fork();
        if (child == 0) {
            detach_from_caller(run, name);
            ::_exit(finish(run, name, remains) ? 0 : 1);
        }
        if (child > 0)
            return remains.failed.empty();
    }
    return finish(run, name, remains);
}

} // namespace machinist::keeper
