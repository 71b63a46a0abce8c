// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests in one expression, an image and a host with nothing odd about them, and what comes of the three.
#pragma once

#include "spec/resolve.hpp"
#include "spec/settings_file.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace machinist {

inline CommandLine parsed(std::vector<std::string> words, Manner manner = Manner::nspawn) {
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    return parse_command_line(manner, pointers);
}

inline ImageFacts an_image() {
    ImageFacts image;
    image.directory = "/var/lib/machines/web";
    image.exists = image.has_usr = true;
    image.os_release = {{"ID", "debian"}};
    image.init = {"/usr/lib/systemd/systemd", "systemd"};
    image.has_zoneinfo_of_host = true;
    image.architecture = "x86-64";
    return image;
}

inline HostFacts a_host() {
    HostFacts host;
    host.working_directory = "/srv";
    host.hostname = "host.example";
    host.environment = {{"TERM", "xterm"}, {"LANG", "de_DE.UTF-8"}};
    host.os_release = {{"ID", "debian"}, {"VERSION_ID", "12"}, {"NAME", "Debian"}};
    host.machine_id = MachineId::parse("11111111111111111111111111111111");
    host.pid1_nproc_soft = host.pid1_nproc_hard = 31000;
    host.pid1_sigpending_soft = host.pid1_sigpending_hard = 31000;
    host.cpu_count = 4;
    host.has_resolv_conf = true;
    host.has_localtime = host.localtime_is_symlink = true;
    host.timezone_name = "Europe/Berlin";
    return host;
}

inline Chance a_chance() {
    return {0x0123456789abcdef, *MachineId::parse("cccccccccccccccccccccccccccccccc")};
}

// What is left of a request with its settings file, image and host.
struct Decision {
    std::vector<std::string> words;
    Manner manner = Manner::nspawn;
    std::string settings_file;
    ImageFacts image = an_image();
    HostFacts host = a_host();
    LoadedCredentials loaded;

    [[nodiscard]] std::variant<Resolved, Problems> outcome() const {
        CommandLine line = parsed(words, manner);
        const SettingsFile file = parse_settings_file(settings_file, "web.nspawn", true);
        line.problems.insert(line.problems.end(), file.problems.begin(), file.problems.end());
        if (!line.problems.empty())
            return line.problems;
        return resolve(line.request, merge_settings(line.request, file.settings), image, host, a_chance(), loaded);
    }
    // Fails the test where there are problems.
    [[nodiscard]] Resolved resolved() const {
        auto result = outcome();
        if (const auto* problems = std::get_if<Problems>(&result)) {
            for (const Problem& problem : *problems)
                ADD_FAILURE() << text_of(problem);
            return {};
        }
        return std::get<Resolved>(result);
    }
    [[nodiscard]] MachineSpec spec() const {
        return resolved().spec;
    }
    // Empty if there are none.
    [[nodiscard]] std::vector<std::string> sentences() const {
        const auto result = outcome();
        std::vector<std::string> texts;
        if (const auto* problems = std::get_if<Problems>(&result))
            for (const Problem& problem : *problems)
                texts.push_back(text_of(problem));
        return texts;
    }
};

// As systemd-nspawn and as `machinist run`.
inline Decision nspawn(std::vector<std::string> words) {
    return {.words = std::move(words), .manner = Manner::nspawn};
}
inline Decision machinist_run(std::vector<std::string> words) {
    return {.words = std::move(words), .manner = Manner::machinist};
}

} // namespace machinist
