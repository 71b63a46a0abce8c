// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/transfers.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "bus/log.hpp"
#include "contract_tables.hpp"
#include "image/pool.hpp"
#include "kernel/files.hpp"
#include "spec/image_class.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <tuple>

namespace machinist {

namespace {

constexpr const char* manager_path = "/org/freedesktop/import1";
constexpr const char* transfers_path = "/org/freedesktop/import1/transfer";
constexpr const char* manager_interface = "org.freedesktop.import1.Manager";
constexpr const char* transfer_interface = "org.freedesktop.import1.Transfer";

constexpr std::uint64_t force = 1;
constexpr std::uint64_t read_only = 2;
constexpr std::uint64_t keep_download = 4;

std::string path_of(std::uint32_t id) {
    return std::string{transfers_path} + "/_" + std::to_string(id);
}

void told(int result) {
    if (result < 0 && result != -ENOTCONN)
        log_warning("the bus was not told of a transfer");
}

bool is_transfer(const Job& job) {
    return job.record.kind == JobKind::transfer && job.state == JobState::running;
}

// The verb of the polkit action, too: "import", "export", "pull".
std::string family_of(const std::string& type) {
    return type.substr(0, type.find('-'));
}

Pool pool_of(ImageClass image_class) {
    PoolPlaces places;
    if (image_class != ImageClass::machine) {
        places.new_images = name_of(image_class_directories, image_class);
        places.search_path = {places.new_images};
        places.settings.clear();
    }
    return Pool{std::move(places)};
}

void check_class(const std::string& text) {
    if (!value_named(image_class_names, text))
        throw Failure{FailureKind::invalid, "Invalid image class '" + escaped_for_people(text.substr(0, 64)) + "'"};
}

// What somebody else opened must not make us wait for something odd: no devices, no sockets.
void check_file(BorrowedFd file, const std::string& type) {
    const mode_t mode = status_of(file).st_mode;
    const bool fits = type == "import-fs" ? S_ISDIR(mode) : S_ISREG(mode) || S_ISFIFO(mode);
    if (!fits)
        throw Failure{FailureKind::invalid, type == "import-fs" ? "The descriptor is no directory"
                                                                : "The descriptor is neither a file nor a pipe"};
    const int flags = ::fcntl(file.get(), F_GETFL);
    const int access = flags & O_ACCMODE;
    const bool writes = type.starts_with("export-");
    if (flags < 0 || (flags & O_PATH) != 0 || access == (writes ? O_RDONLY : O_WRONLY))
        throw Failure{FailureKind::invalid,
                      std::string{"The descriptor is not open for "} + (writes ? "writing" : "reading")};
}

std::vector<std::string> arguments_of(const std::string& type, const std::string& name, const std::string& remote,
                                      const std::string& image_class, const std::string& verify,
                                      const std::string& format, std::uint64_t flags) {
    std::vector<std::string> words{"--class=" + image_class};
    if ((flags & force) != 0)
        words.emplace_back("--force");
    if ((flags & read_only) != 0)
        words.emplace_back("--read-only");
    if (!format.empty())
        words.push_back("--format=" + format);
    if (type.starts_with("pull-")) {
        words.push_back("--verify=" + verify);
        words.emplace_back((flags & keep_download) != 0 ? "--keep-download=yes" : "--keep-download=no");
    }
    words.insert(words.end(), {"--", type});
    if (type.starts_with("export-"))
        words.insert(words.end(), {name, "-"});
    else
        words.insert(words.end(), {remote.empty() ? "-" : remote, name.empty() ? "-" : name});
    return words;
}

} // namespace

Transfers::Transfers(Service& service, Jobs& jobs)
    : service_(service),
      jobs_(jobs),
      manager_(contract::org_freedesktop_import1_Manager),
      transfer_(contract::org_freedesktop_import1_Transfer) {
    attach_imports();
    attach_exports();
    attach_pulls();
    attach_registries();
    attach_lists();
    attach_transfers();
    announce();
}

std::vector<const Job*> Transfers::running() const {
    std::vector<const Job*> found;
    for (const auto& [id, job] : jobs_.all())
        if (is_transfer(*job))
            found.push_back(job.get());
    return found;
}

const Job& Transfers::transfer_at(std::string_view path) const {
    const std::string prefix = std::string{transfers_path} + "/_";
    const auto id = path.starts_with(prefix) ? parse_integer<std::uint32_t>(path.substr(prefix.size())) : std::nullopt;
    const auto found = jobs_.all().find(id.value_or(0));
    if (found == jobs_.all().end() || !is_transfer(*found->second))
        throw Failure{FailureKind::not_found, "No such transfer"};
    return *found->second;
}

void Transfers::begin(const Call& call, Order order, std::uint64_t known_flags) {
    if (order.format.empty() && order.type.starts_with("export-"))
        order.format = "uncompressed";
    const std::string family = family_of(order.type);
    when_allowed(service_, call,
                 {.action = "org.freedesktop.import1." + family,
                  .verb = order.type,
                  .machine = {},
                  .owner_may = false,
                  .details = {{"image", order.name}, {"class", order.image_class}, {"remote", order.remote}}},
                 [=, this] {
                     check_class(order.image_class);
                     if ((order.flags & ~known_flags) != 0)
                         throw Failure{FailureKind::invalid, "Flags are out of range"};
                     const bool keeps_only = family == "pull" && order.name.empty();
                     if (!keeps_only && !is_image_name(order.name))
                         throw Failure{FailureKind::invalid,
                                       "Local name '" + escaped_for_people(order.name.substr(0, 200)) + "' is invalid"};
                     if (order.file)
                         check_file(*order.file, order.type);
                     for (const Job* job : running())
                         if (!order.remote.empty() && job->record.transfer.remote == order.remote &&
                             job->record.machine == order.name)
                             throw Failure{FailureKind::busy, "Transfer for '" + order.remote + "' already in progress",
                                           EALREADY};
                     const Job& job =
                         jobs_.transfer({.machine = order.name,
                                         .owner = call.caller().uid,
                                         .description = escaped_for_people(order.type + " " + order.name),
                                         .transfer = {.type = order.type,
                                                      .remote = order.remote,
                                                      .image_class = order.image_class,
                                                      .verify = order.verify}},
                                        arguments_of(order.type, order.name, order.remote, order.image_class,
                                                     order.verify, order.format, order.flags),
                                        order.file ? BorrowedFd{*order.file} : BorrowedFd{});
                     call.reply(job.record.id, ObjectPath{path_of(job.record.id)});
                 });
}

void Transfers::attach_imports() {
    constexpr std::array methods{std::pair{"ImportTar", "import-tar"}, std::pair{"ImportRaw", "import-raw"},
                                 std::pair{"ImportFileSystem", "import-fs"}};
    for (const auto& [method, type] : methods) {
        manager_.method(method, [this, type = std::string{type}](const Call& call) {
            Order order{.type = type};
            order.file = call.take<SharedFd>();
            order.name = call.take<std::string>();
            order.flags = call.take<bool>() ? force : 0;
            order.flags |= call.take<bool>() ? read_only : 0;
            begin(call, std::move(order), force | read_only);
        });
        manager_.method(std::string{method} + "Ex", [this, type = std::string{type}](const Call& call) {
            Order order{.type = type};
            order.file = call.take<SharedFd>();
            order.name = call.take<std::string>();
            order.image_class = call.take<std::string>();
            order.flags = call.take<std::uint64_t>();
            begin(call, std::move(order), force | read_only);
        });
    }
}

void Transfers::attach_exports() {
    constexpr std::array methods{std::pair{"ExportTar", "export-tar"}, std::pair{"ExportRaw", "export-raw"}};
    const auto check_format = [](const std::string& format) {
        constexpr std::array<std::string_view, 6> formats{"", "uncompressed", "xz", "gzip", "bzip2", "zstd"};
        if (std::ranges::find(formats, format) == formats.end())
            throw Failure{FailureKind::invalid, "Invalid format"};
    };
    for (const auto& [method, type] : methods) {
        manager_.method(method, [this, check_format, type = std::string{type}](const Call& call) {
            Order order{.type = type};
            order.name = call.take<std::string>();
            order.file = call.take<SharedFd>();
            order.format = call.take<std::string>();
            check_format(order.format);
            begin(call, std::move(order), 0);
        });
        manager_.method(std::string{method} + "Ex", [this, check_format, type = std::string{type}](const Call& call) {
            Order order{.type = type};
            order.name = call.take<std::string>();
            order.image_class = call.take<std::string>();
            order.file = call.take<SharedFd>();
            order.format = call.take<std::string>();
            order.flags = call.take<std::uint64_t>();
            check_format(order.format);
            begin(call, std::move(order), 0);
        });
    }
}

void Transfers::attach_pulls() {
    constexpr std::array methods{std::pair{"PullTar", "pull-tar"}, std::pair{"PullRaw", "pull-raw"}};
    const auto go = [this](const Call& call, Order order) {
        constexpr std::size_t longest_url = 8192;
        if ((!order.remote.starts_with("http://") && !order.remote.starts_with("https://")) ||
            order.remote.size() > longest_url || has_control_characters(order.remote))
            throw Failure{FailureKind::invalid, "URL is neither http nor https"};
        if (order.verify.empty())
            order.verify = "signature";
        if (order.verify != "no" && order.verify != "checksum" && order.verify != "signature")
            throw Failure{FailureKind::invalid, "Unknown verification mode"};
        if (order.name == "-")
            order.name.clear();
        begin(call, std::move(order), force | read_only | keep_download);
    };
    for (const auto& [method, type] : methods) {
        manager_.method(method, [go, type = std::string{type}](const Call& call) {
            Order order{.type = type};
            order.remote = call.take<std::string>();
            order.name = call.take<std::string>();
            order.verify = call.take<std::string>();
            order.flags = keep_download | (call.take<bool>() ? force : 0);
            go(call, std::move(order));
        });
        manager_.method(std::string{method} + "Ex", [go, type = std::string{type}](const Call& call) {
            Order order{.type = type};
            order.remote = call.take<std::string>();
            order.name = call.take<std::string>();
            order.image_class = call.take<std::string>();
            order.verify = call.take<std::string>();
            order.flags = call.take<std::uint64_t>();
            go(call, std::move(order));
        });
    }
}

void Transfers::attach_registries() {
    manager_.method("PullOci", [this](const Call& call) {
        Order order{.type = "pull-oci"};
        order.remote = call.take<std::string>();
        order.name = call.take<std::string>();
        order.image_class = call.take<std::string>();
        order.flags = call.take<std::uint64_t>();
        // Each part is named by its digest.
        order.verify = "checksum";
        constexpr std::size_t longest_reference = 1024;
        if (order.remote.empty() || order.remote.size() > longest_reference || order.remote.starts_with('-') ||
            has_control_characters(order.remote))
            throw Failure{FailureKind::invalid, "Invalid OCI reference"};
        if (!is_image_name(order.name))
            throw Failure{FailureKind::invalid, "Local name is invalid"};
        begin(call, std::move(order), force | read_only | keep_download);
    });
}

void Transfers::attach_lists() {
    manager_.method("ListTransfers", [this](const Call& call) {
        std::vector<std::tuple<std::uint32_t, std::string, std::string, std::string, double, ObjectPath>> rows;
        for (const Job* job : running())
            rows.emplace_back(job->record.id, job->record.transfer.type, job->record.transfer.remote,
                              job->record.machine, job->progress.fraction(), ObjectPath{path_of(job->record.id)});
        call.reply(rows);
    });
    manager_.method("ListTransfersEx", [this](const Call& call) {
        const auto image_class = call.take<std::string>();
        if (call.take<std::uint64_t>() != 0)
            throw Failure{FailureKind::invalid, "Flags are out of range"};
        if (!image_class.empty())
            check_class(image_class);
        std::vector<std::tuple<std::uint32_t, std::string, std::string, std::string, std::string, double, ObjectPath>>
            rows;
        for (const Job* job : running())
            if (image_class.empty() || job->record.transfer.image_class == image_class)
                rows.emplace_back(job->record.id, job->record.transfer.type, job->record.transfer.remote,
                                  job->record.machine, job->record.transfer.image_class, job->progress.fraction(),
                                  ObjectPath{path_of(job->record.id)});
        call.reply(rows);
    });
    manager_.method("ListImages", [](const Call& call) {
        const auto wanted = call.take<std::string>();
        if (call.take<std::uint64_t>() != 0)
            throw Failure{FailureKind::invalid, "Flags are out of range"};
        if (!wanted.empty())
            check_class(wanted);
        std::vector<std::tuple<std::string, std::string, std::string, std::string, bool, std::uint64_t, std::uint64_t,
                               std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>>
            rows;
        for (const auto& [image_class, name] : image_class_names)
            if (wanted.empty() || wanted == name)
                for (const PoolImage& image : pool_of(image_class).list())
                    if (!image.is_host())
                        rows.emplace_back(std::string{name}, image.name,
                                          std::string{name_of(image_type_names, image.type)}, image.path.string(),
                                          image.read_only, image.created, image.modified,
                                          image.usage.value_or(UINT64_MAX), image.usage_exclusive.value_or(UINT64_MAX),
                                          image.limit.value_or(UINT64_MAX), image.limit_exclusive.value_or(UINT64_MAX));
        call.reply(rows);
    });
    manager_.method("CancelTransfer", [this](const Call& call) { cancel(call, call.take<std::uint32_t>()); });
}

void Transfers::cancel(const Call& call, std::uint32_t id) {
    const Job& job = transfer_at(path_of(id));
    const auto go = [this, call, id] {
        jobs_.cancel(id);
        call.reply();
    };
    if (call.caller().uid == job.record.owner)
        go();
    else
        when_allowed(service_, call, {.action = "org.freedesktop.import1.cancel", .verb = "cancel"}, go);
}

void Transfers::attach_transfers() {
    transfer_.method("Cancel", [this](const Call& call) { cancel(call, transfer_at(call.path()).record.id); });
    const auto text = [this](const char* name, std::string (*read)(const Job&)) {
        transfer_.property<std::string>(name, [this, read](std::string_view path) { return read(transfer_at(path)); });
    };
    transfer_.property<std::uint32_t>("Id", [this](std::string_view path) { return transfer_at(path).record.id; });
    transfer_.property<double>("Progress",
                               [this](std::string_view path) { return transfer_at(path).progress.fraction(); });
    text("Local", [](const Job& job) { return job.record.machine; });
    text("Remote", [](const Job& job) { return job.record.transfer.remote; });
    text("Type", [](const Job& job) { return job.record.transfer.type; });
    text("Verify", [](const Job& job) { return job.record.transfer.verify; });
}

void Transfers::announce() {
    sd_bus* bus = service_.bus.raw();
    jobs_.announce_to({.added =
                           [bus](const Job& job) {
                               if (job.record.kind == JobKind::transfer)
                                   told(sd_bus_emit_signal(bus, manager_path, manager_interface, "TransferNew", "uo",
                                                           job.record.id, path_of(job.record.id).c_str()));
                           },
                       .finished =
                           [bus](const Job& job) {
                               if (job.record.kind == JobKind::transfer)
                                   told(sd_bus_emit_signal(bus, manager_path, manager_interface, "TransferRemoved",
                                                           "uos", job.record.id, path_of(job.record.id).c_str(),
                                                           std::string{name_of(job_state_names, job.state)}.c_str()));
                           },
                       .removed = {},
                       .progressed =
                           [bus](const Job& job) {
                               told(sd_bus_emit_signal(bus, path_of(job.record.id).c_str(), transfer_interface,
                                                       "ProgressUpdate", "d", job.progress.fraction()));
                           },
                       .said =
                           [bus](const Job& job, unsigned priority, const std::string& line) {
                               told(sd_bus_emit_signal(bus, path_of(job.record.id).c_str(), transfer_interface,
                                                       "LogMessage", "us", priority, line.c_str()));
                           }});
}

void Transfers::serve() {
    sd_bus* bus = service_.bus.raw();
    const auto list = [](sd_bus*, const char*, void* data, char*** nodes, sd_bus_error*) {
        const auto transfers = static_cast<const Transfers*>(data)->running();
        auto** paths = static_cast<char**>(std::calloc(transfers.size() + 1, sizeof(char*)));
        if (paths == nullptr)
            return -ENOMEM;
        for (std::size_t at = 0; at < transfers.size(); ++at)
            paths[at] = ::strdup(path_of(transfers[at]->record.id).c_str());
        *nodes = paths;
        return 0;
    };
    wire::written(sd_bus_add_node_enumerator(bus, nullptr, transfers_path, list, this));
    manager_.serve_at(bus, manager_path);
    transfer_.serve_below(bus, transfers_path, [this](std::string_view path) {
        try {
            (void)transfer_at(path);
            return true;
        } catch (const Failure&) {
            return false;
        }
    });
}

} // namespace machinist
