// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/verbs.hpp"

#include "base/failure.hpp"
#include "cli/control/image_verbs.hpp"
#include "cli/control/transfer.hpp"
#include "cli/control/transfer_by_service.hpp"
#include "spec/help_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

namespace machinist {

namespace {

// clang-format off
constexpr std::array table{
    Verb{"list", "", "machines that run (the default)", 0, 0, list_machines, true},
    Verb{"status", "NAME...", "one machine in words, with its processes", 1, any_number, show_status, true},
    Verb{"show", "[NAME...]", "properties as NAME=VALUE", 0, any_number, show_machines, true},
    Verb{"exec", "NAME [--] COMMAND...", "run a command in a machine: its streams, its exit status", 1, 1, execute_in_machine},
    Verb{"shell", "[[USER@]NAME [PATH...]]", "a login shell, or a program, on a terminal in a machine", 0, 1, open_shell},
    Verb{"ssh-proxy", "machine/NAME [PORT]", "what ssh(1) asks for its connection, so that 'ssh machine/NAME' works", 1, 2, connect_for_ssh},
    Verb{"login", "[NAME]", "a login prompt in a machine", 0, 1, log_in},
    Verb{"bind", "NAME PATH [PATH]", "show a file or directory of the host in a machine", 2, 3, bind_into_machine},
    Verb{"unbind", "NAME PATH", "undo it", 2, 2, unbind_in_machine},
    Verb{"bind-volume", "NAME PROVIDER:VOLUME[:PATH[:KEY=VALUE,...]]", "give a running machine a volume of a storage provider", 2, 2, bind_volume},
    Verb{"unbind-volume", "NAME PROVIDER:VOLUME", "take it away", 2, 2, unbind_volume},
    Verb{"copy-to", "NAME PATH [PATH]", "copy files from the host into a machine", 2, 3, copy_to_machine},
    Verb{"copy-from", "NAME PATH [PATH]", "copy files from a machine to the host", 2, 3, copy_from_machine},
    Verb{"port", "list|add|remove [NAME [PORT...]]", "ports of the host that lead into machines, while they run", 1, any_number, handle_ports},
    Verb{"device", "list|add|remove [NAME [PATH[:rwm]...]]", "devices of the host that machines have, while they run", 1, any_number, handle_devices},
    Verb{"enable", "NAME...", "start machines with the host", 1, any_number, enable_machines, true},
    Verb{"disable", "NAME...", "start them no more with it", 1, any_number, disable_machines, true},
    Verb{"monitor", "", "tell what happens to machines and jobs, until interrupted", 0, 0, monitor_machines, true},
    Verb{"wait", "NAME...", "wait until machines run, are ready, answer or are gone", 1, any_number, wait_for_machines},
    Verb{"start", "NAME...", "start machines from images", 1, any_number, start_machines, true},
    Verb{"poweroff", "NAME...", "ask machines for an orderly end", 1, any_number, power_off_machines, true},
    Verb{"stop", "", "", 1, any_number, power_off_machines, true},
    Verb{"reboot", "NAME...", "ask machines to start again", 1, any_number, reboot_machines, true},
    Verb{"restart", "", "", 1, any_number, reboot_machines, true},
    Verb{"terminate", "NAME...", "end machines at once", 1, any_number, terminate_machines, true},
    Verb{"pause", "NAME...", "let nothing in machines run on", 1, any_number, pause_machines},
    Verb{"resume", "NAME...", "let it run on", 1, any_number, resume_machines},
    Verb{"kill", "NAME...", "send a signal to processes of machines", 1, any_number, kill_machines, true},
    Verb{"list-images", "", "images that could run", 0, 0, list_images},
    Verb{"image-status", "[NAME...]", "images in words", 0, any_number, show_image_status},
    Verb{"show-image", "[NAME...]", "properties of images as NAME=VALUE", 0, any_number, show_images},
    Verb{"build", "RECIPE [NAME]", "make an image from a recipe; --list shows those there are", 0, 2, build_from_recipe},
    Verb{"clone", "NAME NAME", "make an image from another", 1, 2, clone_an_image},
    Verb{"rename", "NAME NAME", "give an image another name", 2, 2, rename_an_image},
    Verb{"read-only", "NAME [BOOL]", "let nobody write to an image, or let them again", 1, 2, mark_read_only},
    Verb{"remove", "NAME...", "remove images", 1, any_number, remove_images},
    Verb{"set-limit", "[NAME] BYTES", "limit the size of an image, or of all; '-' for no limit", 1, 2, set_limit},
    Verb{"clean", "", "remove hidden images; all with --all", 0, 0, clean_pool},
    Verb{"snapshot", "create|list|restore|remove [IMAGE [NAME]]", "keep states of images", 1, 3, handle_snapshots},
    Verb{"diff", "IMAGE|MACHINE [IMAGE]", "what differs from its layers below, its last snapshot, or another image", 1, 2, show_differences},
    Verb{"commit", "MACHINE IMAGE", "make an image of what a machine is now", 2, 2, commit_machine},
    Verb{"check", "IMAGE", "what is to be known before its first boot; status 1 if it will not boot", 1, 1, check_images},
    Verb{"import", "FILE|DIRECTORY [NAME]", "make an image of what that is: an archive, a disk, a tree, an OCI image", 1, 2, transfer_image},
    Verb{"import-tar", "FILE|- [NAME]", "make an image of a tar archive, packed in any way", 1, 2, transfer_image},
    Verb{"import-raw", "FILE|- [NAME]", "make an image of a disk, raw or qcow2, packed in any way", 1, 2, transfer_image},
    Verb{"import-fs", "DIRECTORY [NAME]", "make an image of a directory", 1, 2, transfer_image},
    Verb{"export-tar", "NAME [FILE]", "write a tree to a tar archive", 1, 2, transfer_image},
    Verb{"export-raw", "NAME [FILE]", "write a disk to a file", 1, 2, transfer_image},
    Verb{"export-oci", "NAME [FILE]", "write a tree to an archive that others take for an OCI image", 1, 2, transfer_image},
    Verb{"pull-tar", "URL [NAME]", "make an image of a tar archive on a web server", 1, 2, transfer_image},
    Verb{"pull-raw", "URL [NAME]", "make an image of a disk on a web server", 1, 2, transfer_image},
    Verb{"pull-oci", "REGISTRY/NAME[:TAG|@DIGEST] [NAME]", "make an image of one in a registry of OCI images", 1, 2, transfer_image},
    Verb{"list-transfers", "", "images on their way, by the service", 0, 0, list_transfers},
    Verb{"cancel-transfer", "ID...", "end transfers; nothing of them stays", 1, any_number, cancel_transfers},
    Verb{"edit", "NAME|FILE...", "edit settings of images", 1, any_number, edit_settings},
    Verb{"cat", "NAME|FILE...", "print settings of images, with their drop-ins", 1, any_number, print_settings},
    Verb{"verify", "NAME|FILE...", "say what is wrong in settings, by file and line; status 1 if they would be refused", 1, any_number, verify_settings},
    Verb{"list-devices", "", "devices that machines can have by full names: run --device=NAME", 0, 0, list_devices},
    Verb{"gc", "", "remove what machines left that did not end in order", 0, 0, collect_remnants},
    Verb{"doctor", "[net NAME]", "look for what is missing on this host, or should not be there, or where a machine's packets end; status 1 if something is found", 0, 2, run_auditor},
    Verb{"help", "", "this text", 0, 0, print_help},
    Verb{"version", "", "the version", 0, 0, print_version},
};
// clang-format on

// With --user; which of them the caller may is the service's to say.
constexpr std::string_view about_own_machines[]{
    "list",   "status",  "show",      "exec", "shell",   "login", "wait",   "start", "poweroff", "stop",
    "reboot", "restart", "terminate", "kill", "monitor", "pause", "resume", "help",  "version",
};

bool is_about_own_machines(const Verb& verb) {
    return std::ranges::find(about_own_machines, verb.name) != std::end(about_own_machines);
}

} // namespace

std::span<const Verb> verbs() {
    return table;
}

const Verb& find_verb(const Invocation& call) {
    const auto all = verbs();
    const auto verb = std::ranges::find(all, call.verb, &Verb::name);
    if (verb == all.end())
        throw Failure{FailureKind::usage, "'" + call.verb + "' is no verb"}.try_instead("'machinist --help'");
    if (call.words.size() < verb->fewest)
        throw Failure{FailureKind::usage, "'" + call.verb + "' needs " +
                                              std::string{verb->fewest == 1 && verb->most == 1 ? "a name" : "names"}};
    if (call.words.size() > verb->most)
        throw Failure{FailureKind::usage, "'" + call.verb + "' does not take '" + call.words[verb->most] + "'"};
    if (call.of_user && !is_about_own_machines(*verb))
        throw Failure{FailureKind::not_supported, "'" + call.verb + "' is not about machines of one's own"}.try_instead(
            "leaving --user out");
    if (call.is_remote() && !verb->elsewhere)
        throw Failure{FailureKind::not_supported, "'" + call.verb + "' works on this host only"}.try_instead(
            call.host ? "'ssh " + *call.host + " machinist " + call.verb + "'"
                      : "'machinist exec " + *call.container + " -- machinist " + call.verb + "'");
    return *verb;
}

int print_help(const Invocation&, const MachineStore&) {
    std::string text = "machinist [OPTION...] VERB ...\n\nStart machines and see to those that run.\n\nVerbs:\n"
                       "  run [OPTION...] [COMMAND...]    start a machine; 'machinist run --help' tells how\n";
    for (const Verb& verb : table) {
        if (verb.help.empty())
            continue;
        std::string left = "  " + std::string{verb.name} + " " + std::string{verb.words};
        left.resize(std::max<std::size_t>(left.size() + 1, 34), ' ');
        text.append(left).append(verb.help).append("\n");
    }
    text.append("\nOptions:\n").append(options_help());
    std::fputs(text.c_str(), stdout);
    return 0;
}

int print_version(const Invocation&, const MachineStore&) {
    std::fputs(version_text(Manner::machinist).c_str(), stdout);
    return 0;
}

int print_systemd_version(const Invocation&, const MachineStore&) {
    std::fputs(version_text(Manner::nspawn).c_str(), stdout);
    return 0;
}

} // namespace machinist
