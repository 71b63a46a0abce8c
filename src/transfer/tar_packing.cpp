// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/tar_packing.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "transfer/access_list_attribute.hpp"
#include "transfer/tree_walk.hpp"
#include "transfer/utf8_locale.hpp"

#include <algorithm>
#include <archive.h>
#include <archive_entry.h>
#include <array>
#include <cerrno>
#include <climits>
#include <exception>
#include <fcntl.h>
#include <map>
#include <memory>
#include <string>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace machinist {

namespace {

struct FreeArchive {
    void operator()(archive* writer) const {
        ::archive_write_free(writer);
    }
};
struct FreeEntry {
    void operator()(archive_entry* entry) const {
        ::archive_entry_free(entry);
    }
};

class Packing {
public:
    Packing(OutputStream& stream, const PackingOptions& options) : stream_(stream), options_(options) {
        if (!writer_ || !entry_)
            throw Failure{FailureKind::internal, "start libarchive"};
        ::archive_write_set_format_pax(writer_.get());
        ::archive_write_add_filter_none(writer_.get());
        ::archive_write_set_bytes_per_block(writer_.get(), 0);
        const auto write = [](archive* of, void* data, const void* bytes, std::size_t size) -> la_ssize_t {
            auto& packing = *static_cast<Packing*>(data);
            try {
                packing.stream_.write({static_cast<const std::uint8_t*>(bytes), size});
                return static_cast<la_ssize_t>(size);
            } catch (...) {
                packing.broken_ = std::current_exception();
                ::archive_set_error(of, EIO, "the stream failed");
                return -1;
            }
        };
        check(::archive_write_open(writer_.get(), this, nullptr, write, nullptr));
    }

    void run(BorrowedFd root) {
        walk_tree(root, [this](const WalkedEntry& walked) {
            doing("pack '" + escaped_for_people(walked.path) + "'", [&] { put(walked); });
            if (options_.progress)
                options_.progress(stream_.bytes_taken());
        });
        check(::archive_write_close(writer_.get()));
    }

private:
    void check(int result) {
        if (broken_)
            std::rethrow_exception(std::exchange(broken_, nullptr));
        if (result == ARCHIVE_OK)
            return;
        const char* text = ::archive_error_string(writer_.get());
        const std::string sentence = escaped_for_people(text != nullptr ? text : "unknown");
        if (result != ARCHIVE_WARN)
            throw Failure{FailureKind::system, "write the archive: " + sentence};
        if (options_.warn)
            options_.warn(sentence);
    }

    void put(const WalkedEntry& walked) {
        if (S_ISSOCK(walked.status.st_mode)) {
            if (options_.warn && !std::exchange(warned_of_sockets_, true))
                options_.warn("sockets are left out");
            return;
        }
        archive_entry* entry = ::archive_entry_clear(entry_.get());
        const std::string path = walked.name == "." ? "./" : "./" + walked.path;
        ::archive_entry_copy_pathname(entry, path.c_str());
        ::archive_entry_set_mode(entry, walked.status.st_mode);
        ::archive_entry_set_uid(entry, walked.status.st_uid);
        ::archive_entry_set_gid(entry, walked.status.st_gid);
        ::archive_entry_set_mtime(entry, walked.status.st_mtim.tv_sec, walked.status.st_mtim.tv_nsec);
        if (S_ISCHR(walked.status.st_mode) || S_ISBLK(walked.status.st_mode)) {
            ::archive_entry_set_rdevmajor(entry, ::major(walked.status.st_rdev));
            ::archive_entry_set_rdevminor(entry, ::minor(walked.status.st_rdev));
        }
        if (!S_ISDIR(walked.status.st_mode) && walked.status.st_nlink > 1) {
            const auto [known, is_first] = first_names_.try_emplace({walked.status.st_dev, walked.status.st_ino}, path);
            if (!is_first) {
                ::archive_entry_set_hardlink(entry, known->second.c_str());
                ::archive_entry_set_size(entry, 0);
                check(::archive_write_header(writer_.get(), entry));
                return;
            }
        }
        if (S_ISLNK(walked.status.st_mode))
            add_target(entry, walked);
        else
            add_attributes(entry, walked);
        if (S_ISREG(walked.status.st_mode))
            put_file(entry, walked);
        else
            check(::archive_write_header(writer_.get(), entry));
    }

    static void add_target(archive_entry* entry, const WalkedEntry& walked) {
        std::array<char, PATH_MAX + 1> target{};
        if (::readlinkat(walked.parent.get(), walked.name.c_str(), target.data(), PATH_MAX) < 0)
            throw system_failure("read the link");
        ::archive_entry_copy_symlink(entry, target.data());
    }

    static void add_attributes(archive_entry* entry, const WalkedEntry& walked) {
        for (const auto& [name, value] : attributes_of(walked.parent, walked.name)) {
            if (name == access_list_name)
                add_access_list(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, value);
            else if (name == default_list_name)
                add_access_list(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, value);
            else
                ::archive_entry_xattr_add_entry(entry, name.c_str(), value.data(), value.size());
        }
    }

    struct Piece {
        off_t begin = 0;
        off_t end = 0;
    };

    // Where its data is; files without holes are one piece.
    static std::vector<Piece> pieces_of(BorrowedFd file, const struct stat& status) {
        if (status.st_blocks * 512 >= status.st_size)
            return {{0, status.st_size}};
        std::vector<Piece> pieces;
        for (off_t at = 0; at < status.st_size;) {
            const off_t begin = ::lseek(file.get(), at, SEEK_DATA);
            if (begin < 0 && errno == ENXIO)
                break;
            const off_t end = begin < 0 ? -1 : ::lseek(file.get(), begin, SEEK_HOLE);
            if (begin < 0 || end < 0)
                return {{0, status.st_size}};
            pieces.push_back({begin, std::min(end, status.st_size)});
            at = end;
        }
        return pieces;
    }

    void put_file(archive_entry* entry, const WalkedEntry& walked) {
        const UniqueFd file{::openat(walked.parent.get(), walked.name.c_str(),
                                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
        if (!file)
            throw system_failure("open it");
        const struct stat status = status_of(file);
        if (status.st_ino != walked.status.st_ino || status.st_dev != walked.status.st_dev)
            throw Failure{FailureKind::busy, "it was replaced meanwhile"};
        const auto pieces = pieces_of(file, status);
        ::archive_entry_set_size(entry, status.st_size);
        const bool has_holes = pieces.size() != 1 || pieces[0].begin != 0 || pieces[0].end != status.st_size;
        if (has_holes) {
            for (const Piece& piece : pieces)
                ::archive_entry_sparse_add_entry(entry, piece.begin, piece.end - piece.begin);
            // All of it is a hole: said by a piece of no length at the end.
            if (pieces.empty())
                ::archive_entry_sparse_add_entry(entry, status.st_size, 0);
        }
        check(::archive_write_header(writer_.get(), entry));
        off_t at = 0;
        for (const Piece& piece : pieces) {
            put_zeros(piece.begin - at);
            put_piece(file, piece);
            at = piece.end;
        }
        put_zeros(status.st_size - at);
    }

    // The library skips what it knows to be a hole.
    void put_zeros(off_t count) {
        static const std::vector<char> zeros(std::size_t{1} << 20);
        while (count > 0) {
            const auto part = std::min<std::size_t>(zeros.size(), static_cast<std::size_t>(count));
            put_bytes(zeros.data(), part);
            count -= static_cast<off_t>(part);
        }
    }

    void put_piece(BorrowedFd file, Piece piece) {
        while (piece.begin < piece.end) {
            const auto wanted =
                std::min<std::size_t>(buffer_.size(), static_cast<std::size_t>(piece.end - piece.begin));
            const ssize_t count = ::pread(file.get(), buffer_.data(), wanted, piece.begin);
            if (count < 0 && errno == EINTR)
                continue;
            if (count < 0)
                throw system_failure("read it");
            if (count == 0)
                throw Failure{FailureKind::busy, "it became shorter meanwhile"};
            put_bytes(buffer_.data(), static_cast<std::size_t>(count));
            piece.begin += count;
            if (options_.progress)
                options_.progress(stream_.bytes_taken());
        }
    }

    void put_bytes(const char* bytes, std::size_t size) {
        while (size > 0) {
            const la_ssize_t count = ::archive_write_data(writer_.get(), bytes, size);
            if (count < 0 || broken_)
                check(static_cast<int>(count));
            if (count == 0)
                throw Failure{FailureKind::internal, "the archive takes less than it was told"};
            bytes += count;
            size -= static_cast<std::size_t>(count);
        }
    }

    OutputStream& stream_;
    const PackingOptions& options_;
    Utf8Locale locale_;
    std::unique_ptr<archive, FreeArchive> writer_{::archive_write_new()};
    std::unique_ptr<archive_entry, FreeEntry> entry_{::archive_entry_new()};
    std::exception_ptr broken_;
    std::map<std::pair<dev_t, ino_t>, std::string> first_names_; // of files with several
    std::vector<char> buffer_ = std::vector<char>(std::size_t{256} << 10);
    bool warned_of_sockets_ = false;
};

} // namespace

void pack_tar(BorrowedFd root, OutputStream& stream, const PackingOptions& options) {
    Packing{stream, options}.run(root);
}

} // namespace machinist
