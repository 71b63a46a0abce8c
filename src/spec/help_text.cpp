// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/help_text.hpp"

#include "machinist_config.h"
#include "spec/option_table.hpp"

namespace machinist {

namespace {

// What the compatible program is the equal of: scripts compare this number with the version an option came with.
constexpr std::string_view compatible_with = "262";

constexpr EnumNames<OptionGroup, 12> titles{{{OptionGroup::general, "General"},
                                             {OptionGroup::image, "Image"},
                                             {OptionGroup::execution, "Execution"},
                                             {OptionGroup::identity, "Identity and unit"},
                                             {OptionGroup::users, "Users"},
                                             {OptionGroup::network, "Network"},
                                             {OptionGroup::security, "Security"},
                                             {OptionGroup::resources, "Resources"},
                                             {OptionGroup::integration, "Integration"},
                                             {OptionGroup::mounts, "Mounts"},
                                             {OptionGroup::console, "Terminal"},
                                             {OptionGroup::credentials, "Credentials"}}};

std::string option_column(const Option& row) {
    std::string text = row.letter != 0 ? "  -" + std::string(1, row.letter) : "    ";
    const std::string_view name = row.name;
    if (!name.empty())
        text.append(row.letter != 0 ? " --" : "  --").append(name);
    if (row.argument == OptionArgument::required)
        text.append("=").append(row.metavar);
    if (row.argument == OptionArgument::optional)
        text.append("[=").append(row.metavar).append("]");
    return text;
}

void append_row(std::string& text, const Option& row) {
    constexpr std::size_t column = 36;
    std::string line = option_column(row);
    if (line.size() + 1 > column)
        line.append("\n").append(column, ' ');
    else
        line.append(column - line.size(), ' ');
    text.append(line).append(row.help).append("\n");
}

std::string json_text(std::string_view text) {
    std::string json = "\"";
    for (const char byte : text) {
        if (byte == '"' || byte == '\\')
            json.push_back('\\');
        json.push_back(byte);
    }
    return json + "\"";
}

} // namespace

std::string help_text(Manner manner) {
    std::string text =
        manner == Manner::nspawn
            ? "systemd-nspawn [OPTION...] [COMMAND [ARGUMENT...]]\n\nRun a command or boot a system in a light-weight "
              "machine.\n"
            : "machinist run [OPTION...] [COMMAND [ARGUMENT...]]\n\nRun a command or boot a system in a machine of its "
              "own.\n\n"
              "A machine has its own users (--private-users=pick) unless told otherwise. It is in the host's\n"
              "network; --private-network gives it one of its own.\n";
    for (const auto& [group, title] : titles) {
        text.append("\n").append(title).append(":\n");
        for (const Option& row : option_table())
            if (row.group == group && row.kind != OptionKind::hidden && (row.name[0] != '\0' || row.letter != 0))
                append_row(text, row);
    }
    return text;
}

std::string version_text(Manner manner) {
    if (manner == Manner::nspawn)
        // Its callers compare the third word, too.
        return "systemd " + std::string{compatible_with} + " (" + std::string{compatible_with} +
               "-machinist-" MACHINIST_VERSION ")\n";
    return "machinist " MACHINIST_VERSION "\n";
}

namespace {

// The keys of settings files, from which their manual is made.
std::string keys_json() {
    std::string text = "\"keys\":[";
    bool first = true;
    for (const Option& row : option_table()) {
        if (row.key.empty())
            continue;
        constexpr std::string_view trusts[] = {"open", "privileged", "depends"};
        text.append(first ? "\n{" : ",\n{");
        first = false;
        text.append("\"section\":").append(json_text(row.section));
        text.append(",\"key\":").append(json_text(row.key));
        text.append(",\"option\":").append(json_text(row.name));
        const bool is_flag = row.argument == OptionArgument::none && row.metavar.empty() && row.name[0] != '\0';
        text.append(",\"metavar\":").append(json_text(is_flag ? "BOOL" : row.metavar));
        text.append(",\"default\":").append(json_text(row.by_default));
        text.append(",\"list\":").append(row.is_list ? "true" : "false");
        text.append(",\"trust\":").append(json_text(trusts[static_cast<std::size_t>(row.trust)]));
        text.append(",\"hidden\":").append(row.kind == OptionKind::hidden ? "true" : "false");
        text.append(",\"help\":").append(json_text(row.help)).append("}");
    }
    return text + "\n]";
}

} // namespace

std::string introspection_text(Manner manner) {
    std::string text =
        "{\"program\":" + json_text(manner == Manner::nspawn ? "systemd-nspawn" : "machinist run") + ",\"options\":[";
    bool first = true;
    for (const Option& row : option_table()) {
        if (row.name[0] == '\0' && row.letter == 0)
            continue;
        text.append(first ? "\n{" : ",\n{");
        first = false;
        text.append("\"long\":").append(json_text(row.name));
        text.append(",\"short\":").append(json_text(row.letter != 0 ? std::string(1, row.letter) : ""));
        constexpr std::string_view arguments[] = {"none", "required", "optional"};
        text.append(",\"argument\":").append(json_text(arguments[static_cast<std::size_t>(row.argument)]));
        text.append(",\"metavar\":").append(json_text(row.metavar));
        text.append(",\"group\":").append(json_text(name_of(titles, row.group)));
        text.append(",\"key\":")
            .append(json_text(row.key.empty() ? "" : "[" + std::string{row.section} + "] " + std::string{row.key}));
        text.append(",\"help\":").append(json_text(row.help)).append("}");
    }
    return text + "\n],\n" + keys_json() + "}\n";
}

} // namespace machinist
