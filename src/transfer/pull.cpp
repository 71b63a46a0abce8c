// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/pull.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "transfer/companions.hpp"
#include "transfer/imports.hpp"
#include "transfer/raw_copy.hpp"
#include "transfer/sha256.hpp"
#include "transfer/tree_copying.hpp"
#include "transfer/tree_walk.hpp"

#include <cstdio>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr int notice = 6;
constexpr int warning = 4;
constexpr std::uint64_t largest_download = std::uint64_t{1} << 40;

std::string escaped_for_name(std::string_view text) {
    std::string result;
    for (const char letter : text) {
        const auto byte = static_cast<unsigned char>(letter);
        if (byte > ' ' && byte < 0x7f && std::string_view{"/.#\"'\\"}.find(letter) == std::string_view::npos) {
            result += letter;
            continue;
        }
        char code[8];
        std::snprintf(code, sizeof code, "\\x%02x", byte);
        result += code;
    }
    return result;
}

std::string prefix_of_download(PullKind kind, const std::string& url) {
    constexpr std::size_t longest = 160;
    std::string part = escaped_for_name(url);
    if (part.size() > longest) {
        Sha256 digest;
        digest.add({reinterpret_cast<const std::uint8_t*>(url.data()), url.size()});
        part = digest.finish();
    }
    return (kind == PullKind::tar ? ".tar-" : ".raw-") + part;
}

class Pull {
public:
    Pull(const Pool& pool, PullKind kind, const std::string& url, const PullOptions& options, ProgressMeter& meter)
        : pool_(pool), kind_(kind), url_(url), options_(options), meter_(meter) {
        request_.url = url;
        request_.most = largest_download;
        request_.may_be_file = options.may_be_file;
        request_.patience = options.patience;
    }

    void run(const std::string& name) {
        // Known before anything is fetched.
        if (!name.empty()) {
            check_new_image_name(name);
            if (!options_.image.force && pool_.find(name))
                throw Failure{FailureKind::already_exists, "image '" + name + "' exists already"};
        }
        if (!options_.keep_download) {
            const UniqueFd download = fetch_image();
            make(name, options_.image, download);
            return;
        }
        const std::string kept = keep();
        if (!name.empty())
            copy(pool_.get(kept), name);
    }

private:
    UniqueFd fetch_image() {
        make_directories(pool_.places().new_images, 0700);
        UniqueFd file = open_path(pool_.places().new_images, O_TMPFILE | O_RDWR, 0600);
        meter_.begin("downloading");
        fetched_ = fetch(request_, file, meter_);
        if (fetched_.unchanged)
            return {};
        meter_.end();
        if (options_.verify != Verify::no) {
            meter_.begin("verifying");
            checksums_ = fetch_checksums(request_, options_.verify, options_.keyrings, meter_);
            check_checksum(file, file_name_of(url_), checksums_, meter_);
        }
        ::lseek(file.get(), 0, SEEK_SET);
        return file;
    }

    void make(const std::string& name, const NewImageOptions& options, BorrowedFd download) {
        auto companions = fetch_companions({.request = request_,
                                            .settings = options_.settings,
                                            .hashes = kind_ == PullKind::raw,
                                            .verify = options_.verify,
                                            .keyrings = options_.keyrings,
                                            .checksums = checksums_,
                                            .room = pool_.places().new_images},
                                           meter_);
        NewImage image{pool_, name, kind_ == PullKind::raw ? ImageForm::file : ImageForm::tree, options};
        for (Companion& companion : companions)
            image.bring(companion.suffix, std::move(companion.file));
        if (kind_ == PullKind::tar)
            unpack_tar_into(download, image.descriptor(), meter_);
        else
            unpack_raw_into(download, image, meter_);
        meter_.begin("finishing");
        image.finish();
    }

    // The name of the kept image, which is there when this returns.
    std::string keep() {
        std::map<std::string, std::string> known;
        const std::string prefix = prefix_of_download(kind_, url_) + ".";
        for (const PoolImage& image : pool_.list())
            if (image.name.starts_with(prefix))
                if (const auto etag = c_unescaped(image.name.substr(prefix.size()))) {
                    known[*etag] = image.name;
                    request_.known_etags.push_back(*etag);
                }
        const UniqueFd download = fetch_image();
        if (fetched_.unchanged) {
            // The one that the server named, or the only one that was asked for.
            const auto found = known.find(fetched_.etag);
            if (found == known.end() && known.size() != 1)
                throw Failure{FailureKind::system, "the server does not say which version it has"};
            const std::string name = found == known.end() ? known.begin()->second : found->second;
            meter_.say(notice, "the image has not changed since it was downloaded");
            return name;
        }
        const std::string name = name_of_download(kind_, url_, fetched_.etag);
        make(name, {.read_only = true, .force = true, .sync = options_.image.sync}, download);
        return name;
    }

    void copy(const PoolImage& kept, const std::string& name) {
        NewImage image{pool_, name, kind_ == PullKind::raw ? ImageForm::file : ImageForm::tree, options_.image};
        const auto count = [&](std::uint64_t bytes) { meter_.tick(bytes); };
        if (kind_ == PullKind::raw) {
            const UniqueFd from = open_path(kept.path, O_RDONLY);
            meter_.begin("copying", static_cast<std::uint64_t>(status_of(from).st_size));
            copy_disk(from, image.descriptor(), count);
        } else {
            const UniqueFd from = open_path(kept.path, O_RDONLY | O_DIRECTORY);
            meter_.begin("copying", measure_tree(from).bytes);
            copy_tree_into(from, image.descriptor(), count,
                           [&](std::string_view sentence) { meter_.say(warning, std::string{sentence}); });
        }
        meter_.end();
        for (const char* suffix : {".nspawn", ".roothash", ".roothash.p7s", ".verity"})
            bring_copy(image, pool_.places().new_images / (kept.name + suffix), suffix);
        meter_.begin("finishing");
        image.finish();
    }

    static void bring_copy(NewImage& image, const std::filesystem::path& path, const char* suffix) {
        const auto from = open_path_if_exists(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        if (!from || !S_ISREG(status_of(*from).st_mode))
            return;
        UniqueFd copy = image.unnamed_file();
        copy_disk(*from, copy, [](std::uint64_t) {});
        if (::fchmod(copy.get(), 0644) < 0)
            throw system_failure("set the mode of '" + path.string() + "'");
        image.bring(suffix, std::move(copy));
    }

    const Pool& pool_;
    PullKind kind_;
    const std::string& url_;
    const PullOptions& options_;
    ProgressMeter& meter_;
    FetchRequest request_;
    Fetched fetched_;
    std::map<std::string, std::string> checksums_;
};

} // namespace

std::string name_of_download(PullKind kind, const std::string& url, const std::string& etag) {
    const std::string name = prefix_of_download(kind, url);
    const std::string with_etag = name + "." + escaped_for_name(etag);
    // Where a name has no room for it, the next pull downloads again.
    return etag.empty() || !is_image_name(with_etag) ? name : with_etag;
}

void pull_image(const Pool& pool, PullKind kind, const std::string& url, const std::string& name,
                const PullOptions& options, ProgressMeter& meter) {
    check_url(url, options.may_be_file);
    Pull{pool, kind, url, options, meter}.run(name);
}

} // namespace machinist
