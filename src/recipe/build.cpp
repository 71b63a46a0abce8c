// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recipe/build.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "base/siphash24.hpp"
#include "base/text.hpp"
#include "image/image_changes.hpp"
#include "image/set_aside.hpp"
#include "kernel/btrfs.hpp"
#include "kernel/files.hpp"
#include "recipe/archive.hpp"
#include "recipe/bootstrap.hpp"
#include "recipe/finish_tree.hpp"
#include "recipe/lay_files.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <sys/xattr.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace machinist {

namespace {

// Goes wherever the tree is moved to, and into no archive of it.
constexpr const char* key_attribute = "trusted.machinist.recipe";
// Grows when this program makes another tree from the same recipe.
constexpr int edition = 1;

// How mmdebstrap says what it does, in its order.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> stages{
    {{"I: running apt-get update", "fetching lists"},
     {"I: downloading packages", "fetching packages"},
     {"I: extracting archives", "unpacking"},
     {"I: installing essential", "setting up what is essential"},
     {"I: downloading apt", "setting up apt"},
     {"I: installing remaining", "setting up packages"},
     {"I: cleaning package lists", "tidying up"}}};

std::string key_of_tree(const std::filesystem::path& path) {
    char value[128];
    const ssize_t length = ::lgetxattr(path.c_str(), key_attribute, value, sizeof value);
    return length < 0 ? std::string{} : std::string{value, static_cast<std::size_t>(length)};
}

// Of several builds of one name each waits for the one before.
class BuildLock {
public:
    BuildLock(const std::filesystem::path& directory, const std::string& name, Cancellation& cancellation,
              const OnStage& on_stage)
        : path_(directory / (".#" + name + ".build.lck")) {
        while (!(lock_ = lock_file(path_, LockMode::exclusive))) {
            on_stage("waiting for another build", "");
            cancellation.check();
            std::this_thread::sleep_for(std::chrono::milliseconds{200});
        }
    }
    BuildLock(const BuildLock&) = delete;
    BuildLock& operator=(const BuildLock&) = delete;
    ~BuildLock() {
        lock_.reset();
        try {
            remove_lock_file_if_free(path_);
        } catch (const Failure&) {
            // A lock file too many harms nobody.
        }
    }

private:
    std::filesystem::path path_;
    std::optional<UniqueFd> lock_;
};

// Where a tree is made; what is not whole is gone with it.
class Site {
public:
    Site(const std::filesystem::path& directory, const std::string& name)
        : parent_(open_path(directory, O_RDONLY | O_DIRECTORY)),
          name_(std::string{in_the_making_prefix} + "build." + name) {
        // Of an interrupted build: we hold the lock of this name.
        btrfs::remove_subvolume(parent_, name_);
        if (::mkdirat(parent_.get(), name_.c_str(), 0755) < 0)
            throw system_failure("make '" + name_ + "'");
        lock_ = lock_in_the_making(directory / name_);
    }
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;
    ~Site() {
        if (taken_)
            return;
        try {
            btrfs::remove_subvolume(parent_, name_);
        } catch (const Failure& failure) {
            std::fprintf(stderr, "machinist: %s\n", failure.what());
        }
    }
    [[nodiscard]] BorrowedFd tree() const {
        return lock_;
    }
    [[nodiscard]] BorrowedFd parent() const {
        return parent_;
    }
    [[nodiscard]] const std::string& name() const {
        return name_;
    }
    // It has another name now.
    void release() {
        taken_ = true;
    }

private:
    UniqueFd parent_;
    std::string name_;
    UniqueFd lock_;
    bool taken_ = false;
};

void fill(const Site& site, const std::filesystem::path& directory, const Recipe& recipe, const BuildRequest& request,
          Cancellation& cancellation, const OnStage& on_stage) {
    std::string_view stage = "choosing where packages come from";
    on_stage(stage, "");
    const HostArchives host = read_host_archives();
    const std::vector<std::string> sources = archive_lines(recipe, request.mirrors, host);
    run_bootstrap(bootstrap_command(recipe, directory / site.name(), !sources.empty(), host),
                  sources.empty() ? "" : joined(sources, "\n") + "\n", recipe.snapshot_epoch, cancellation,
                  [&](std::string_view line) {
                      for (const auto& [beginning, name] : stages)
                          if (line.starts_with(beginning))
                              stage = name;
                      on_stage(stage, line);
                  });
    on_stage("finishing", "");
    for (const auto& files : recipe.files)
        lay_files(files, site.tree());
    remove_what_is_not_its_own(site.tree());
    if (recipe.snapshot_epoch)
        make_no_younger_than(site.tree(), *recipe.snapshot_epoch);
    const std::string key = key_of_build(recipe, request.mirrors);
    // A filesystem without attributes remembers nothing: there each build is a new one.
    if (::fsetxattr(site.tree().get(), key_attribute, key.data(), key.size(), 0) < 0 && errno != EOPNOTSUPP)
        throw system_failure("note what the tree was made from");
    // The rename must not reach the disk before what it names.
    if (::syncfs(site.parent().get()) < 0)
        throw system_failure("write the tree to disk");
    cancellation.check();
}

// Both names exist all the time: whoever looks sees the old tree or the new one.
std::vector<std::filesystem::path> put_in_place(Site& site, const std::filesystem::path& path, bool is_there) {
    const std::string name = path.filename().string();
    if (::renameat2(site.parent().get(), site.name().c_str(), site.parent().get(), name.c_str(),
                    is_there ? RENAME_EXCHANGE : RENAME_NOREPLACE) < 0)
        throw system_failure("rename '" + site.name() + "' to '" + name + "'");
    site.release();
    if (!is_there)
        return {};
    return {set_aside(path.parent_path() / site.name())};
}

BuiltTree make(const std::filesystem::path& path, bool is_there, const Recipe& recipe, const BuildRequest& request,
               Cancellation& cancellation, const OnStage& on_stage) {
    Site site{path.parent_path(), request.name};
    fill(site, path.parent_path(), recipe, request, cancellation, on_stage);
    return {path, is_there ? Built::replaced : Built::made, put_in_place(site, path, is_there)};
}

void refuse_to_replace(const std::filesystem::path& path, const std::string& key) {
    throw Failure{FailureKind::already_exists,
                  "'" + path.string() + "' exists already and was made from " +
                      (key.empty() ? "no recipe" : "another text of the recipe, or other files")}
        .try_instead("another name, or --force to replace it");
}

bool is_to_be_kept(const std::filesystem::path& path, const Recipe& recipe, const BuildRequest& request) {
    const std::string key = key_of_tree(path);
    const bool is_same = key == key_of_build(recipe, request.mirrors);
    if (is_same && !request.anew)
        return true;
    if (!is_same && !request.replace)
        refuse_to_replace(path, key);
    return false;
}

} // namespace

std::string key_of_build(const Recipe& recipe, const std::vector<std::string>& mirrors) {
    std::string account = std::to_string(edition) + "\nsuite " + recipe.suite + "\nvariant " + recipe.variant +
                          "\npackages " + joined(recipe.packages, " ") + "\ncomponents " +
                          joined(recipe.components, " ") + "\nsnapshot " + recipe.snapshot.value_or("none") +
                          "\nmirrors " + joined(mirrors.empty() ? recipe.mirrors : mirrors, " ") + "\n";
    for (const auto& files : recipe.files)
        account += "files\n" + account_of_files(files);
    // Twice with different keys: one number of 64 bits would be no name for what nobody may mistake.
    char key[33];
    std::snprintf(key, sizeof key, "%016llx%016llx", static_cast<unsigned long long>(siphash24(account, SipHashKey{1})),
                  static_cast<unsigned long long>(siphash24(account, SipHashKey{2})));
    return key;
}

BuiltTree build_image(const Pool& pool, const Recipe& recipe, const BuildRequest& request, const OnStage& on_stage) {
    check_new_image_name(request.name);
    const auto& directory = pool.places().new_images;
    make_directories(directory, 0700);
    Cancellation cancellation;
    const BuildLock lock{directory, request.name, cancellation, on_stage};
    const auto image = pool.find(request.name);
    if (!image) {
        const ImageHold hold{pool, request.name};
        return make(directory / request.name, false, recipe, request, cancellation, on_stage);
    }
    refuse_to_change(*image, "build");
    if (image->type != ImageType::directory && image->type != ImageType::subvolume)
        refuse_to_replace(image->path, "");
    if (image->entry.parent_path() != directory || image->is_versioned())
        refuse_to_replace(image->path, "");
    if (is_to_be_kept(image->path, recipe, request))
        return {image->path, Built::kept, {}};
    const ImageHold hold{pool, *image, LockMode::exclusive};
    return make(image->path, true, recipe, request, cancellation, on_stage);
}

BuiltTree build_tree(const std::filesystem::path& directory, const Recipe& recipe, const BuildRequest& request,
                     const OnStage& on_stage) {
    check_new_image_name(request.name);
    // Trees hold set-uid programs of other systems: no user of this one may walk into a directory made for them.
    make_directories(directory, 0700);
    Cancellation cancellation;
    const BuildLock lock{directory, request.name, cancellation, on_stage};
    const auto path = directory / request.name;
    const bool is_there = open_path_if_exists(path, O_PATH | O_NOFOLLOW).has_value();
    if (is_there && is_to_be_kept(path, recipe, request))
        return {path, Built::kept, {}};
    return make(path, is_there, recipe, request, cancellation, on_stage);
}

} // namespace machinist
