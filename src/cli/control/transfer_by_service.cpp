// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/transfer_by_service.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/service_client.hpp"
#include "cli/control/table.hpp"
#include "kernel/files.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unistd.h>
#include <utility>
#include <vector>

namespace machinist {

namespace {

constexpr const char* import1_service = "org.freedesktop.import1";
constexpr const char* import1_path = "/org/freedesktop/import1";
constexpr const char* import1_manager = "org.freedesktop.import1.Manager";
constexpr std::chrono::milliseconds between_signals{200};
constexpr std::uint64_t force = 1;
constexpr std::uint64_t read_only = 2;
constexpr std::uint64_t keep_download = 4;

volatile std::sig_atomic_t was_interrupted = 0;

constexpr Method of_import1(const char* member) {
    return {import1_service, import1_path, import1_manager, member};
}

// Of options that were given several times, the last.
std::string value_of(const Invocation& call, std::string_view option, std::string otherwise) {
    for (const std::string& given : call.transfer_options)
        if (given.starts_with(option))
            otherwise = given.substr(option.size());
    return otherwise;
}

std::uint64_t flags_of(const Invocation& call) {
    return (call.force ? force : 0) | (call.read_only ? read_only : 0);
}

// Whoever asks for something may be asked for a password.
void ask(ServiceClient& client, const char* member, const ServiceClient::Fill& fill,
         const ServiceClient::Take& take = {}) {
    client.let_person_be_asked();
    client.ask(of_import1(member), fill, take);
}

// What the service says of transfers, from before the first is asked for: their ends may come at once.
class Watch {
public:
    explicit Watch(ServiceClient& client) : client_(client) {
        const auto listen = [&](const char* interface, const char* member, Connection::OnMessage take) {
            matches_.push_back(client.bus().match(std::string{"type='signal',sender='"} + import1_service +
                                                      "',interface='" + interface + "',member='" + member + "'",
                                                  std::move(take)));
        };
        listen(import1_manager, "TransferRemoved", [this](sd_bus_message* message) {
            const auto id = wire::get<std::uint32_t>(message);
            (void)wire::get<ObjectPath>(message);
            results_[id] = wire::get<std::string>(message);
        });
        listen("org.freedesktop.import1.Transfer", "LogMessage", [this](sd_bus_message* message) {
            (void)wire::get<std::uint32_t>(message);
            said_[sd_bus_message_get_path(message)].push_back(wire::get<std::string>(message));
        });
        listen("org.freedesktop.import1.Transfer", "ProgressUpdate", [this](sd_bus_message* message) {
            progress_[sd_bus_message_get_path(message)] = wire::get<double>(message);
        });
    }

    // "done", "canceled" or "failed".
    std::string follow(std::uint32_t id, const std::string& path, bool quiet) {
        const auto note = [](int) { was_interrupted = 1; };
        struct sigaction action {};
        action.sa_handler = note;
        ::sigaction(SIGINT, &action, nullptr);
        ::sigaction(SIGTERM, &action, nullptr);
        bool canceled = false;
        while (!results_.contains(id)) {
            (void)client_.bus().wait_and_process(between_signals);
            tell(path, quiet);
            if (was_interrupted == 0 || std::exchange(canceled, true))
                continue;
            ask(client_, "CancelTransfer", [&](sd_bus_message* message) { wire::put(message, id); });
        }
        tell(path, quiet);
        return results_[id];
    }

private:
    void tell(const std::string& path, bool quiet) {
        const bool on_terminal = ::isatty(STDERR_FILENO) == 1;
        for (const std::string& line : std::exchange(said_[path], {}))
            std::fprintf(stderr, "%s%s\n", on_terminal ? "\r\x1b[K" : "", escaped_for_people(line).c_str());
        if (!quiet && on_terminal && progress_.contains(path))
            std::fprintf(stderr, "\r%3.0f %%\x1b[K", progress_[path] * 100);
    }

    ServiceClient& client_;
    std::vector<BusSlot> matches_;
    std::map<std::uint32_t, std::string> results_;
    std::map<std::string, std::vector<std::string>> said_;
    std::map<std::string, double> progress_;
};

UniqueFd source_of(const Invocation& call) {
    if (call.words[0] == "-")
        return UniqueFd{::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)};
    const int kind = call.verb == "import-fs" ? O_DIRECTORY : 0;
    return open_path(call.words[0], O_RDONLY | O_NOCTTY | kind);
}

UniqueFd target_of(const Invocation& call) {
    if (call.words.size() < 2 || call.words[1] == "-")
        return UniqueFd{::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)};
    return open_path(call.words[1], O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, 0666);
}

// "web" of "web.tar.xz".
std::string name_for(const Invocation& call) {
    if (call.words.size() > 1)
        return call.words[1];
    if (call.words[0] == "-")
        throw Failure{FailureKind::usage, "what comes by a pipe needs a name"};
    std::string name = call.words[0].substr(0, call.words[0].find_first_of("?#"));
    while (name.size() > 1 && name.ends_with('/'))
        name.pop_back();
    name.erase(0, name.rfind('/') + 1);
    for (const std::string_view suffix : {".gz", ".bz2", ".xz", ".zst", ".tar", ".raw", ".qcow2", ".img"})
        if (name.size() > suffix.size() && name.ends_with(suffix))
            name.resize(name.size() - suffix.size());
    return name;
}

struct Question {
    const char* member;
    Connection::Fill fill;
};

Question question_of(const Invocation& call, const UniqueFd& file) {
    const std::string image_class = value_of(call, "--class=", "machine");
    if (call.verb.starts_with("import-")) {
        const char* member = call.verb == "import-tar"   ? "ImportTarEx"
                             : call.verb == "import-raw" ? "ImportRawEx"
                                                         : "ImportFileSystemEx";
        return {member, [&call, &file, image_class, name = name_for(call)](sd_bus_message* message) {
                    wire::put(message, BorrowedFd{file});
                    wire::put(message, name);
                    wire::put(message, image_class);
                    wire::put(message, flags_of(call));
                }};
    }
    if (call.verb.starts_with("export-"))
        return {call.verb == "export-tar" ? "ExportTarEx" : "ExportRawEx",
                [&call, &file, image_class](sd_bus_message* message) {
                    wire::put(message, call.words[0]);
                    wire::put(message, image_class);
                    wire::put(message, BorrowedFd{file});
                    wire::put(message, value_of(call, "--format=", "uncompressed"));
                    wire::put(message, std::uint64_t{0});
                }};
    const bool keeps = parse_bool(value_of(call, "--keep-download=", "no")).value_or(false);
    const std::uint64_t flags = flags_of(call) | (keeps ? keep_download : 0);
    if (call.verb == "pull-oci")
        return {"PullOci", [&call, image_class, flags, name = name_for(call)](sd_bus_message* message) {
                    wire::put(message, call.words[0]);
                    wire::put(message, name);
                    wire::put(message, image_class);
                    wire::put(message, flags);
                }};
    return {call.verb == "pull-tar" ? "PullTarEx" : "PullRawEx",
            [&call, image_class, flags, name = name_for(call)](sd_bus_message* message) {
                wire::put(message, call.words[0]);
                wire::put(message, name);
                wire::put(message, image_class);
                wire::put(message, value_of(call, "--verify=", "signature"));
                wire::put(message, flags);
            }};
}

} // namespace

void transfer_by_service(const Invocation& call) {
    if (call.verb == "import" || call.verb == "export-oci")
        throw Failure{FailureKind::not_permitted, "'" + call.verb + "' is nothing that the service does"}.try_instead(
            call.verb == "import" ? "import-tar, import-raw or import-fs" : "export-tar");
    UniqueFd file;
    if (call.verb.starts_with("import-"))
        file = source_of(call);
    else if (call.verb.starts_with("export-"))
        file = target_of(call);
    ServiceClient client{call};
    Watch watch{client};
    std::uint32_t id = 0;
    std::string path;
    const Question question = question_of(call, file);
    ask(client, question.member, question.fill, [&](const Answer& answer) {
        id = answer.take<std::uint32_t>();
        path = answer.take<ObjectPath>().text;
    });
    const std::string result = watch.follow(id, path, call.quiet);
    if (result != "done")
        throw Failure{FailureKind::system, call.verb + ": " + result};
}

int list_transfers(const Invocation& call, const MachineStore&) {
    using Row = std::tuple<std::uint32_t, std::string, std::string, std::string, std::string, double, ObjectPath>;
    ServiceClient client{call};
    std::vector<Row> rows;
    ask(
        client, "ListTransfersEx",
        [&](sd_bus_message* message) {
            wire::put(message, value_of(call, "--class=", ""));
            wire::put(message, std::uint64_t{0});
        },
        [&](const Answer& answer) { rows = answer.take<std::vector<Row>>(); });
    Table table{{"ID", "PROGRESS", "TYPE", "LOCAL", "REMOTE", "CLASS"}};
    for (const auto& [id, type, remote, local, image_class, progress, path] : rows)
        table.add({std::to_string(id), std::to_string(static_cast<int>(progress * 100)) + "%", type,
                   local.empty() ? Cell{} : Cell{local}, remote.empty() ? Cell{} : Cell{remote}, image_class},
                  {std::to_string(id), std::to_string(progress), "", "", "", ""});
    table.print(call, "transfers");
    return 0;
}

int cancel_transfers(const Invocation& call, const MachineStore&) {
    ServiceClient client{call};
    for (const std::string& word : call.words) {
        const auto id = parse_integer<std::uint32_t>(word);
        if (!id || *id == 0)
            throw Failure{FailureKind::invalid, "'" + escaped_for_people(word) + "' is no number of a transfer"};
        ask(client, "CancelTransfer", [&](sd_bus_message* message) { wire::put(message, *id); });
    }
    return 0;
}

} // namespace machinist
