// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/invocation.hpp"

#include "base/failure.hpp"
#include "base/signal_names.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <getopt.h>
#include <iterator>

namespace machinist {

namespace {

using Apply = void (*)(Invocation&, const std::string& value);

struct Row {
    const char* name;
    char letter; // 0: none
    int argument;
    const char* metavar;
    const char* help; // nullptr: understood for the sake of other programs, not advertised
    Apply apply;
};

[[noreturn]] void refuse_value(const char* option, const std::string& value, const std::string& why) {
    throw Failure{FailureKind::invalid, std::string{option} + ": '" + value + "' " + why};
}

double seconds_from(const char* option, const std::string& value) {
    struct Unit {
        std::string_view name;
        double seconds;
    };
    constexpr std::array units{Unit{"", 1}, Unit{"s", 1}, Unit{"ms", 0.001}, Unit{"min", 60}, Unit{"h", 3600}};
    double number = 0;
    const auto [end, problem] =
        std::from_chars(value.data(), value.data() + value.size(), number, std::chars_format::fixed);
    const std::string_view unit = trimmed({end, value.data() + value.size()});
    for (const auto& [name, seconds] : units)
        if (problem == std::errc{} && unit == name && number >= 0 && number * seconds <= 1e9)
            return number * seconds;
    refuse_value(option, value, "is no time such as 30, 1.5s, 200ms or 2min");
}

// journalctl's, for the lines that `status` ends with.
constexpr std::array journal_outputs{"short",         "short-full",      "short-iso",   "short-iso-precise",
                                     "short-precise", "short-monotonic", "short-delta", "short-unix",
                                     "verbose",       "export",          "json",        "json-pretty",
                                     "json-sse",      "json-seq",        "cat",         "with-unit"};

void set_output(Invocation& call, const std::string& value) {
    if (value == "json" || value == "json-short")
        call.output = OutputMode::json;
    else if (value == "json-pretty" || value == "pretty")
        call.output = OutputMode::json_pretty;
    else
        call.output = OutputMode::text;
    const bool of_journal = std::ranges::find(journal_outputs, value) != journal_outputs.end();
    if (call.output == OutputMode::text && !of_journal)
        refuse_value("--output", value, "is none of short, json, json-pretty and the modes of journalctl");
    call.journal_output = of_journal ? value : "";
}

void set_whom(Invocation& call, const std::string& value) {
    const auto whom = value_named(whom_names, value);
    if (!whom)
        refuse_value("--kill-whom", value, "is none of " + listed(whom_names));
    call.whom = *whom;
}

void set_signal(Invocation& call, const std::string& value) {
    if (value == "help" || value == "list") {
        call.list_signals = true;
        return;
    }
    const auto signal = parse_signal(value);
    if (!signal)
        refuse_value("--signal", value, "is no signal; 'machinist kill --signal=list' shows all");
    call.signal = *signal;
}

void set_most_addresses(Invocation& call, const std::string& value) {
    if (value == "all") {
        call.most_addresses.reset();
        return;
    }
    call.most_addresses = parse_integer<std::size_t>(value);
    if (!call.most_addresses)
        refuse_value("--max-addresses", value, "is neither a number nor 'all'");
}

void set_lines(Invocation& call, const std::string& value) {
    const auto lines = parse_integer<std::size_t>(value);
    if (!lines)
        refuse_value("--lines", value, "is no number");
    call.lines = *lines;
}

void set_runner(Invocation& call, const std::string& value) {
    if (value != "machinist" && value != "nspawn" && value != "vmspawn")
        refuse_value("--runner", value, "is none of machinist, nspawn and vmspawn");
    call.runner = value;
}

void set_until(Invocation& call, const std::string& value) {
    if (value != "running" && value != "ready" && value != "removed" &&
        (!value.starts_with("exec=") || value.size() == 5))
        refuse_value("--for", value, "is none of running, ready, removed and exec=COMMAND");
    call.until = value;
}

void set_then(Invocation& call, const std::string& value) {
    if (value != "terminate")
        refuse_value("--then", value, "is not 'terminate'");
    call.then = value;
}

void set_instances(Invocation& call, const std::string& value) {
    call.instances = parse_integer<unsigned>(value);
    if (!call.instances)
        refuse_value("--instances", value, "is no number");
}

void set_class(Invocation& call, const std::string& value) {
    const auto image_class = value_named(image_class_names, value);
    if (!image_class)
        refuse_value("--class", value, "is none of " + listed(image_class_names));
    call.image_class = *image_class;
    call.transfer_options.push_back("--class=" + value);
}

void set_environment(Invocation& call, const std::string& value) {
    if (!is_environment_name(std::string_view{value}.substr(0, value.find('='))))
        refuse_value("--setenv", value, "is neither NAME=VALUE nor NAME");
    call.environment.push_back(value);
}

// clang-format off
constexpr Row rows[]{
    {"help", 'h', no_argument, "", "show this help", [](Invocation& call, const std::string&) { call.help = true; }},
    {"version", 0, no_argument, "", "show the version", [](Invocation& call, const std::string&) { call.version = true; }},
    {"output", 'o', required_argument, "MODE", "short, json or json-pretty", set_output},
    {"json", 0, no_argument, "", "the same as --output=json", [](Invocation& call, const std::string&) { call.output = OutputMode::json; }},
    {"no-legend", 0, no_argument, "", "print neither the headings nor the sum", [](Invocation& call, const std::string&) { call.legend = false; }},
    {"quiet", 'q', no_argument, "", "say less", [](Invocation& call, const std::string&) { call.quiet = true; }},
    {"all", 'a', no_argument, "", "show: also what is empty; list-images, clean: also what is hidden, or all", [](Invocation& call, const std::string&) { call.show_empty = true; }},
    {"full", 'l', no_argument, "", "do not cut lines to the width of the terminal; list: show all addresses", [](Invocation& call, const std::string&) { call.full = true; call.most_addresses.reset(); }},
    {"property", 'p', required_argument, "NAME", "show: only these properties", [](Invocation& call, const std::string& value) { call.properties.push_back(value); call.show_empty = true; }},
    {"value", 0, no_argument, "", "show: values without their names", [](Invocation& call, const std::string&) { call.only_values = true; }},
    {"", 'P', required_argument, "NAME", "the same as --value --property=NAME", [](Invocation& call, const std::string& value) { call.properties.push_back(value); call.show_empty = true; call.only_values = true; }},
    {"settings", 0, no_argument, "", "show: the settings of an image, and where each was written", [](Invocation& call, const std::string&) { call.settings = true; }},
    {"drop-in", 0, required_argument, "NAME", "edit: the drop-in of that name, in NAME.nspawn.d", [](Invocation& call, const std::string& value) { call.drop_in = value; }},
    {"max-addresses", 0, required_argument, "N", "list: show at most so many addresses, or 'all' (1)", set_most_addresses},
    {"kill-whom", 0, required_argument, "WHOM", "kill: leader, supervisor or all (all)", set_whom},
    {"kill-who", 0, required_argument, "WHOM", nullptr, set_whom},
    {"signal", 's', required_argument, "SIGNAL", "kill: which signal (SIGTERM); 'list' shows all", set_signal},
    {"user", 0, optional_argument, "USER[:GROUP]", "exec, shell: as this user of the machine (root); before the verb and without a value: machines of one's own", [](Invocation& call, const std::string& value) { call.user = value; }},
    {"uid", 0, required_argument, "USER", "shell: the same as --user=", [](Invocation& call, const std::string& value) { call.user = value; }},
    {"chdir", 0, required_argument, "DIRECTORY", "exec: in this directory of the machine (the user's home)", [](Invocation& call, const std::string& value) { call.directory = value; }},
    {"setenv", 'E', required_argument, "NAME[=VALUE]", "exec, shell: with this variable", set_environment},
    {"pty", 't', no_argument, "", "exec: on a terminal of the machine's own", [](Invocation& call, const std::string&) { call.pty = true; }},
    {"read-only", 0, no_argument, "", "bind, clone, import, pull: nothing can be written there", [](Invocation& call, const std::string&) { call.read_only = true; }},
    {"mkdir", 0, no_argument, "", "bind: make the destination where it is missing", [](Invocation& call, const std::string&) { call.make = true; }},
    {"owner", 0, required_argument, "WHO", "bind: what belongs to the source's owner belongs to root, to a number, or to the caller's number in the machine", [](Invocation& call, const std::string& value) { call.owner = value; }},
    {"force", 0, no_argument, "", "copy-to, copy-from: replace files; build, import, pull: replace an image; unbind: also what is in use", [](Invocation& call, const std::string&) { call.force = true; }},
    {"timeout", 0, required_argument, "SECONDS", "exec, wait, poweroff, reboot: do not wait longer", [](Invocation& call, const std::string& value) { call.seconds = seconds_from("--timeout", value); }},
    {"for", 0, required_argument, "WHAT", "wait: running, ready, exec=COMMAND or removed (ready)", set_until},
    {"wait", 0, no_argument, "", "poweroff, reboot, remove, clean: until it has happened", [](Invocation& call, const std::string&) { call.wait = true; }},
    {"then", 0, required_argument, "VERB", "poweroff --wait: 'terminate' when the time is over", set_then},
    {"instances", 0, required_argument, "N", "clone, start: NAME-1 to NAME-N, each with a machine id of its own", set_instances},
    {"copy", 0, no_argument, "", "clone, commit: share nothing with the old image", [](Invocation& call, const std::string&) { call.copy = true; }},
    {"list", 0, no_argument, "", "build: show the recipes", [](Invocation& call, const std::string&) { call.list = true; }},
    {"mirror", 0, required_argument, "URI", "build: take packages from there, @SNAPSHOTID@ being the recipe's moment", [](Invocation& call, const std::string& value) { call.mirrors.push_back(value); }},
    {"directory", 0, required_argument, "DIR", "build: make DIR/NAME, and no image of the pool", [](Invocation& call, const std::string& value) { call.place = value; }},
    {"anew", 0, no_argument, "", "build: also what was made from the same recipe", [](Invocation& call, const std::string&) { call.anew = true; }},
    {"class", 0, required_argument, "CLASS", "import, export, pull, list-images: machine, portable, sysext or confext (machine)", set_class},
    {"format", 0, required_argument, "FORMAT", "export: uncompressed, gzip, bzip2, xz or zstd (by the file's name)", [](Invocation& call, const std::string& value) { call.transfer_options.push_back("--format=" + value); }},
    {"verify", 0, required_argument, "MODE", "pull: no, checksum or signature (signature)", [](Invocation& call, const std::string& value) { call.transfer_options.push_back("--verify=" + value); }},
    {"keep-download", 0, required_argument, "BOOL", "pull: keep it as a hidden image, so that the next pull fetches what has changed (no)", [](Invocation& call, const std::string& value) { call.transfer_options.push_back("--keep-download=" + value); }},
    {"keyring", 0, required_argument, "FILE", "pull: take signatures by its keys, not by those of the host", [](Invocation& call, const std::string& value) { call.transfer_options.push_back("--keyring=" + value); }},
    {"plain-http", 0, no_argument, "", "pull-oci: speak http with a registry that is on another host", [](Invocation& call, const std::string&) { call.transfer_options.emplace_back("--plain-http"); }},
    {"reference", 0, required_argument, "NAME", "import: the image of this name in an archive that holds several", [](Invocation& call, const std::string& value) { call.transfer_options.push_back("--reference=" + value); }},
    {"image-root", 0, required_argument, "DIRECTORY", "import, export, pull: images of this directory", [](Invocation& call, const std::string& value) { call.transfer_options.push_back("--image-root=" + value); }},
    {"no-pager", 0, no_argument, "", nullptr, [](Invocation&, const std::string&) {}},
    {"no-ask-password", 0, no_argument, "", "do not ask for a password at this terminal", [](Invocation& call, const std::string&) { call.ask_password = false; }},
    {"lines", 'n', required_argument, "N", "status: so many lines of the journal (10)", set_lines},
    {"now", 0, no_argument, "", "enable, disable: start or power off, too", [](Invocation& call, const std::string&) { call.now = true; }},
    {"runner", 0, required_argument, "RUNNER", "start, enable, disable: units of machinist, nspawn or vmspawn", set_runner},
    {"", 'V', no_argument, "", nullptr, [](Invocation& call, const std::string&) { call.runner = "vmspawn"; }},
    {"host", 'H', required_argument, "[USER@]HOST", "machines of another host, by ssh", [](Invocation& call, const std::string& value) { call.host = value; }},
    {"machine", 'M', required_argument, "NAME", "machines that a machine has", [](Invocation& call, const std::string& value) { call.container = value; }},
    {"system", 0, no_argument, "", nullptr, [](Invocation&, const std::string&) {}},
};
// clang-format on

struct LongOptions {
    std::array<option, std::size(rows) + 1> options{};
    std::string letters = "+:"; // '+': stop at a word, ':': tell a missing value from an unknown option
};

LongOptions long_options() {
    LongOptions made;
    std::size_t count = 0;
    for (std::size_t at = 0; at < std::size(rows); ++at) {
        if (rows[at].name[0] != '\0')
            made.options[count++] = {rows[at].name, rows[at].argument, nullptr, 256 + static_cast<int>(at)};
        if (rows[at].letter != 0)
            made.letters.append(1, rows[at].letter).append(rows[at].argument == no_argument ? "" : ":");
    }
    return made;
}

const Row& row_of(int found) {
    for (std::size_t at = 0; at < std::size(rows); ++at)
        if (found == 256 + static_cast<int>(at) || found == rows[at].letter)
            return rows[at];
    throw Failure{FailureKind::internal, "an option without row"};
}

bool takes_command(const Invocation& call, bool has_verb) {
    return has_verb && (call.verb == "exec" || call.verb == "shell");
}

class Parser {
public:
    explicit Parser(std::span<char* const> arguments) {
        words_.push_back(name_.data());
        words_.insert(words_.end(), arguments.begin(), arguments.end());
        words_.push_back(nullptr);
    }

    Invocation parse() {
        ::optind = 0; // glibc: begin anew
        ::opterr = 0;
        const int count = static_cast<int>(words_.size()) - 1;
        while (true) {
            const int found =
                ::getopt_long(count, words_.data(), options_.letters.c_str(), options_.options.data(), nullptr);
            if (found >= 0) {
                take_option(found);
                continue;
            }
            const bool dashes =
                ::optind > 1 && std::string_view{words_[static_cast<std::size_t>(::optind) - 1]} == "--";
            if (dashes || (takes_command(call_, has_verb_) && !call_.words.empty())) {
                take_rest(count);
                return std::move(call_);
            }
            if (::optind >= count)
                return std::move(call_);
            take_word(words_[static_cast<std::size_t>(::optind++)]);
        }
    }

private:
    void take_option(int found) {
        if (found == '?' || found == ':') {
            const std::string word = words_[static_cast<std::size_t>(::optind) - 1];
            const std::string shown =
                ::optopt > 0 && ::optopt < 256 ? std::string{"-"} + static_cast<char>(::optopt) : word;
            throw Failure{FailureKind::usage, found == ':' ? "option '" + shown + "' needs a value"
                                                           : "option '" + shown + "' is unknown, or short for several"}
                .try_instead("'machinist --help'");
        }
        const Row& row = row_of(found);
        std::string value = ::optarg ? ::optarg : "";
        if (row.argument == optional_argument && !::optarg) {
            // Elsewhere "--user" means machines of one's own, and takes no value.
            if (!takes_command(call_, has_verb_) || words_[static_cast<std::size_t>(::optind)] == nullptr) {
                call_.of_user = true;
                return;
            }
            value = words_[static_cast<std::size_t>(::optind++)];
        }
        row.apply(call_, value);
    }

    void take_word(const char* word) {
        if (!has_verb_)
            call_.verb = word;
        else
            call_.words.emplace_back(word);
        has_verb_ = true;
    }

    void take_rest(int count) {
        while (::optind < count) {
            const char* word = words_[static_cast<std::size_t>(::optind++)];
            if (takes_command(call_, has_verb_) && !call_.words.empty())
                call_.command.emplace_back(word);
            else
                take_word(word);
        }
    }

    std::string name_ = "machinist";
    std::vector<char*> words_;
    LongOptions options_ = long_options();
    Invocation call_;
    bool has_verb_ = false;
};

} // namespace

Invocation parse_invocation(std::span<char* const> arguments) {
    return Parser{arguments}.parse();
}

std::string options_help() {
    std::string text;
    for (const Row& row : rows) {
        if (!row.help)
            continue;
        std::string left = row.letter != 0 ? std::string{"  -"} + row.letter : "    ";
        if (row.name[0] != '\0')
            left.append(" --").append(row.name);
        if (row.metavar[0] != '\0')
            left.append(row.name[0] != '\0' ? "=" : " ").append(row.metavar);
        left.resize(std::max<std::size_t>(left.size() + 1, 34), ' ');
        text.append(left).append(row.help).append("\n");
    }
    return text;
}

} // namespace machinist
