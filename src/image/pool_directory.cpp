// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/pool_directory.hpp"

#include "base/failure.hpp"
#include "image/versioned_directory.hpp"
#include "kernel/block_device.hpp"
#include "kernel/btrfs.hpp"
#include "kernel/btrfs_quota.hpp"
#include "kernel/files.hpp"

#include <array>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utility>

namespace machinist {

namespace {

enum class Kind { tree, file, stack };

// How an image called NAME can lie in a directory: the first that is there counts.
struct Form {
    std::string_view suffix; // of the entry's name, behind that of the image
    Kind kind;
    bool is_versioned; // a directory of versions, each with the rest of the suffix
    [[nodiscard]] std::string_view suffix_of_versions() const {
        return suffix.substr(0, suffix.size() - std::string_view{".v"}.size());
    }
};
constexpr std::array forms{Form{"", Kind::tree, false},         Form{".raw", Kind::file, false},
                           Form{".mstack", Kind::stack, false}, Form{".v", Kind::tree, true},
                           Form{".raw.v", Kind::file, true},    Form{".mstack.v", Kind::stack, true}};

// statx(2) tells all that is asked here at once: a thousand images are a thousand calls.
std::optional<struct statx> look(BorrowedFd directory, const std::string& path) {
    struct statx found {};
    constexpr unsigned wanted = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
    if (::statx(directory.get(), path.c_str(), AT_NO_AUTOMOUNT, wanted, &found) < 0)
        return std::nullopt;
    return found;
}

bool is_directory(const struct statx& found) {
    return S_ISDIR(found.stx_mode);
}

bool fits(const struct statx& found, Kind kind) {
    if (kind == Kind::file)
        return S_ISREG(found.stx_mode);
    return is_directory(found) || (kind == Kind::tree && S_ISBLK(found.stx_mode));
}

std::uint64_t microseconds(const statx_timestamp& time) {
    return time.tv_sec < 0 ? 0 : static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + time.tv_nsec / 1000;
}

bool is_on_read_only_mount(const std::filesystem::path& path) {
    struct statvfs filesystem {};
    return ::statvfs(path.c_str(), &filesystem) == 0 && (filesystem.f_flag & ST_RDONLY) != 0;
}

void describe_tree(PoolImage& image, const struct statx& found) {
    constexpr std::uint64_t first_inode_of_subvolume = 256;
    image.created = microseconds(found.stx_btime);
    if (found.stx_ino != first_inode_of_subvolume || image.type == ImageType::mstack)
        return;
    const auto directory = open_path_if_exists(image.path, O_RDONLY | O_DIRECTORY);
    if (!directory || !btrfs::is_subvolume(*directory))
        return;
    image.type = ImageType::subvolume;
    image.read_only = image.read_only || btrfs::is_read_only(*directory);
    if (const auto quota = btrfs::quota_of(*directory)) {
        image.usage = quota->usage;
        image.usage_exclusive = quota->usage_exclusive;
        image.limit = quota->limit;
        image.limit_exclusive = quota->limit_exclusive;
    }
}

void describe_file(PoolImage& image, const struct statx& found) {
    image.type = ImageType::raw;
    image.created = microseconds(found.stx_btime);
    image.modified = microseconds(found.stx_mtime);
    image.read_only = image.read_only || (found.stx_mode & 0222) == 0;
    image.usage = image.usage_exclusive = found.stx_blocks * 512;
    image.limit = image.limit_exclusive = found.stx_size;
}

void describe_block_device(PoolImage& image) {
    image.type = ImageType::block;
    const auto facts = read_block_device_facts(image.path);
    if (!facts)
        return;
    image.read_only = image.read_only || facts->read_only;
    image.usage = image.usage_exclusive = image.limit = image.limit_exclusive = facts->size;
}

PoolImage describe(const PoolDirectory& directory, std::string_view name, const std::string& entry,
                   const std::string& path, const struct statx& found) {
    PoolImage image;
    image.name = name;
    image.entry = directory.path / entry;
    image.path = directory.path / path;
    image.read_only = image.is_vendors() || image.is_hidden() || (found.stx_attributes & STATX_ATTR_IMMUTABLE) != 0 ||
                      (found.stx_mnt_id == directory.mount ? directory.read_only : is_on_read_only_mount(image.path));
    if (S_ISREG(found.stx_mode)) {
        describe_file(image, found);
    } else if (S_ISBLK(found.stx_mode)) {
        describe_block_device(image);
    } else {
        image.type = path.ends_with(".mstack") ? ImageType::mstack : ImageType::directory;
        describe_tree(image, found);
    }
    return image;
}

std::optional<PoolImage> look_at(const PoolDirectory& directory, std::string_view name, const Form& form) {
    const std::string entry = std::string{name}.append(form.suffix);
    const auto found = look(directory.descriptor, entry);
    if (!found)
        return std::nullopt;
    if (!form.is_versioned)
        return fits(*found, form.kind) ? std::optional{describe(directory, name, entry, entry, *found)} : std::nullopt;
    if (!is_directory(*found))
        return std::nullopt;
    const UniqueFd versions{::openat(directory.descriptor.get(), entry.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    const auto newest = versions ? newest_version_in(versions, name, form.suffix_of_versions()) : std::nullopt;
    const std::string path = newest ? entry + "/" + *newest : "";
    const auto picked = newest ? look(directory.descriptor, path) : std::nullopt;
    return picked && fits(*picked, form.kind) ? std::optional{describe(directory, name, entry, path, *picked)}
                                              : std::nullopt;
}

// The longest suffix decides: "web.raw.v" is no tree.
const Form* form_of(std::string_view entry) {
    const Form* best = forms.data();
    for (const Form& form : forms)
        if (entry.size() > form.suffix.size() && entry.ends_with(form.suffix) &&
            form.suffix.size() > best->suffix.size())
            best = &form;
    return best;
}

struct CloseDirectory {
    void operator()(DIR* listing) const {
        ::closedir(listing);
    }
};

} // namespace

std::optional<PoolDirectory> open_pool_directory(const std::filesystem::path& path) {
    auto descriptor = open_path_if_exists(path, O_RDONLY | O_DIRECTORY);
    if (!descriptor)
        return std::nullopt;
    const auto found = look(*descriptor, ".");
    return PoolDirectory{path, std::move(*descriptor), is_on_read_only_mount(path), found ? found->stx_mnt_id : 0};
}

std::map<std::string, PoolImage> images_in(const PoolDirectory& directory) {
    std::map<std::string, PoolImage> images;
    std::map<std::string, const Form*> forms_of_images;
    UniqueFd listed = open_beneath(directory.descriptor, ".", O_RDONLY | O_DIRECTORY, Links::refuse);
    const std::unique_ptr<DIR, CloseDirectory> listing{::fdopendir(listed.get())};
    if (!listing)
        throw system_failure("list '" + directory.path.string() + "'");
    (void)listed.release();
    while (const dirent* entry = ::readdir(listing.get())) {
        const std::string_view text = entry->d_name;
        const Form* form = form_of(text);
        const std::string name{text.substr(0, text.size() - form->suffix.size())};
        // A file without suffix is none, and need not be looked at.
        if (!is_image_name(name) || name == host_image_name || (form->kind == Kind::tree && entry->d_type == DT_REG))
            continue;
        const auto known = forms_of_images.find(name);
        if (known != forms_of_images.end() && known->second < form)
            continue;
        if (auto image = look_at(directory, name, *form)) {
            images.insert_or_assign(name, std::move(*image));
            forms_of_images[name] = form;
        }
    }
    return images;
}

std::optional<PoolImage> image_in(const PoolDirectory& directory, std::string_view name) {
    for (const Form& form : forms) {
        // What lists as another image is not found as this one.
        if (form_of(std::string{name}.append(form.suffix)) != &form)
            continue;
        if (auto image = look_at(directory, name, form))
            return image;
    }
    return std::nullopt;
}

PoolImage host_image() {
    PoolImage image;
    image.name = host_image_name;
    image.path = image.entry = "/";
    image.read_only = is_on_read_only_mount("/");
    if (const auto found = look(BorrowedFd{AT_FDCWD}, "/"))
        describe_tree(image, *found);
    return image;
}

} // namespace machinist
