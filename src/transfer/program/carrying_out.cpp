// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/program/carrying_out.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "oci/reference.hpp"
#include "transfer/exports.hpp"
#include "transfer/image_archive.hpp"
#include "transfer/image_layout.hpp"
#include "transfer/imports.hpp"
#include "transfer/layered_import.hpp"
#include "transfer/pull.hpp"
#include "transfer/registry.hpp"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace machinist {

namespace {

Pool pool_of(const TransferOrder& order) {
    PoolPlaces places;
    if (order.image_class != ImageClass::machine || !order.image_root.empty()) {
        places.new_images = order.image_root.empty()
                                ? std::filesystem::path{name_of(image_class_directories, order.image_class)}
                                : order.image_root;
        places.search_path = {places.new_images};
        // Settings are those of machines.
        places.settings.clear();
    }
    return Pool{std::move(places)};
}

NewImageOptions image_options(const TransferOrder& order) {
    const char* sync = std::getenv("SYSTEMD_IMPORT_SYNC");
    return {
        .read_only = order.read_only, .force = order.force, .sync = sync == nullptr || parse_bool(sync).value_or(true)};
}

std::string in_quotes(const std::string& text) {
    return "'" + escaped_for_people(text) + "'";
}

// Without a name, the file's.
std::string name_for(const TransferOrder& order) {
    if (order.words.size() > 1 && !order.words[1].empty())
        return order.words[1];
    if (order.words.empty() || order.words[0] == "-")
        throw Failure{FailureKind::usage, "what comes by a pipe needs a name"};
    return image_name_from(order.words[0]);
}

bool is_oci(BorrowedFd file) {
    return S_ISDIR(status_of(file).st_mode) ? is_image_layout(file) : is_image_archive(file);
}

void import_oci(const TransferOrder& order, BorrowedFd file, const std::string& name, ProgressMeter& meter) {
    const Pool pool = pool_of(order);
    std::optional<UnpackedArchive> archive;
    if (!S_ISDIR(status_of(file).st_mode))
        archive.emplace(pool, file, meter);
    import_layers(pool, image_in_layout(archive ? archive->directory() : file, order.reference), name,
                  image_options(order), meter);
}

std::string export_as_oci(const TransferOrder& order, ProgressMeter& meter) {
    if (order.words.empty())
        throw Failure{FailureKind::usage, "an export needs the name of an image"};
    const Compression compression = order.format.value_or(Compression::gzip);
    const bool to_output = order.words.size() < 2 || order.words[1] == "-";
    if (to_output && ::isatty(STDOUT_FILENO) == 1)
        throw Failure{FailureKind::usage, "an image is nothing for a terminal"}.try_instead("naming a file");
    if (to_output)
        export_oci_archive(pool_of(order), order.words[0], BorrowedFd{STDOUT_FILENO}, compression, meter);
    else
        write_whole(order.words[1], [&](BorrowedFd file) {
            export_oci_archive(pool_of(order), order.words[0], file, compression, meter);
        });
    return "Exported image " + in_quotes(order.words[0]) + ".";
}

std::string pull_from_registry(const TransferOrder& order, ProgressMeter& meter) {
    const auto reference = oci::Reference::parse(order.words.empty() ? "" : order.words[0]);
    if (!reference)
        throw Failure{FailureKind::usage, "pull-oci needs REGISTRY/NAME[:TAG][@DIGEST], with the registry's host name"};
    const std::string name = order.words.size() > 1 ? order.words[1] : reference->short_name();
    const Pool pool = pool_of(order);
    RegistryOptions options{.may_be_plain = order.plain_http, .room = pool.places().bases};
    if (order.patience)
        options.patience = std::chrono::seconds{*order.patience};
    check_new_image(pool, name, image_options(order));
    import_layers(pool, image_in_registry(*reference, options, meter), name, image_options(order), meter);
    return "Pulled image " + in_quotes(name) + ".";
}

std::string import_it(const TransferOrder& order, ProgressMeter& meter) {
    const std::string name = name_for(order);
    const bool from_input = order.words.empty() || order.words[0] == "-";
    const bool wants_directory = order.verb == TransferVerb::import_fs;
    // Of its own, so that its place is.
    const UniqueFd file = from_input
                              ? UniqueFd{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)}
                              : open_path(order.words[0], O_RDONLY | O_NOCTTY | (wants_directory ? O_DIRECTORY : 0));
    if (!file)
        throw system_failure("take the standard input");
    if (order.verb == TransferVerb::import_any && !from_input && is_oci(file)) {
        import_oci(order, file, name, meter);
        return "Imported image " + in_quotes(name) + ".";
    }
    ImportKind kind = ImportKind::tar;
    switch (order.verb) {
    case TransferVerb::import_raw: kind = ImportKind::raw; break;
    case TransferVerb::import_fs: kind = ImportKind::directory; break;
    case TransferVerb::import_any: kind = kind_of_import(file); break;
    default: break;
    }
    if (kind == ImportKind::directory && !S_ISDIR(status_of(file).st_mode))
        throw Failure{FailureKind::invalid, "what is to be imported is no directory"};
    import_image(pool_of(order), kind, file, name, image_options(order), meter);
    return "Imported image " + in_quotes(name) + ".";
}

std::string export_it(const TransferOrder& order, ProgressMeter& meter) {
    if (order.words.empty())
        throw Failure{FailureKind::usage, "an export needs the name of an image"};
    const auto kind = order.verb == TransferVerb::export_raw ? ExportKind::raw : ExportKind::tar;
    const bool to_output = order.words.size() < 2 || order.words[1] == "-";
    const auto by_name = to_output ? std::nullopt : compression_by_suffix(order.words[1]);
    const Compression compression = order.format.value_or(by_name.value_or(Compression::none));
    if (!to_output) {
        export_image_to(pool_of(order), kind, order.words[0], order.words[1], compression, meter);
        return "Exported image " + in_quotes(order.words[0]) + ".";
    }
    if (::isatty(STDOUT_FILENO) == 1)
        throw Failure{FailureKind::usage, "an image is nothing for a terminal"}.try_instead("naming a file");
    export_image(pool_of(order), kind, order.words[0], BorrowedFd{STDOUT_FILENO}, compression, meter);
    return "Exported image " + in_quotes(order.words[0]) + ".";
}

std::string pull_it(const TransferOrder& order, ProgressMeter& meter) {
    if (order.words.empty())
        throw Failure{FailureKind::usage, "a pull needs a URL"};
    PullOptions options{.verify = order.verify,
                        .keep_download = order.keep_download,
                        .may_be_file = order.may_be_file,
                        .settings = order.image_class == ImageClass::machine,
                        .image = image_options(order)};
    if (!order.keyrings.empty())
        options.keyrings = order.keyrings;
    if (order.patience)
        options.patience = std::chrono::seconds{*order.patience};
    std::string name = order.words.size() > 1 ? order.words[1] : image_name_from(file_name_of(order.words[0]));
    if (name == "-") {
        name.clear();
        options.keep_download = true;
    }
    pull_image(pool_of(order), order.verb == TransferVerb::pull_raw ? PullKind::raw : PullKind::tar, order.words[0],
               name, options, meter);
    return name.empty() ? "Downloaded the image." : "Pulled image " + in_quotes(name) + ".";
}

} // namespace

std::string carry_out(const TransferOrder& order, ProgressMeter& meter) {
    switch (order.verb) {
    case TransferVerb::export_tar:
    case TransferVerb::export_raw: return export_it(order, meter);
    case TransferVerb::export_oci: return export_as_oci(order, meter);
    case TransferVerb::pull_oci: return pull_from_registry(order, meter);
    case TransferVerb::pull_tar:
    case TransferVerb::pull_raw: return pull_it(order, meter);
    default: return import_it(order, meter);
    }
}

} // namespace machinist
