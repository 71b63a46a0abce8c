// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/forwarding_switches.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "bus/log.hpp"
#include "gateway/host_network.hpp"
#include "kernel/files.hpp"

#include <ranges>
#include <unistd.h>

namespace machinist {

namespace {

constexpr const char* forward_v4 = "net/ipv4/ip_forward";
constexpr const char* forward_v6 = "net/ipv6/conf/all/forwarding";

// A host that forwards ignores what routers announce, and forgets the default routes that it has from them, unless
// it is told to listen nevertheless.
std::vector<std::string> links_that_listen_to_routers() {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc/sys/net/ipv6/conf", ignored}) {
        const std::string link = entry.path().filename();
        if (link != "lo" && read_switch("net/ipv6/conf/" + link + "/accept_ra") == "1" &&
            read_switch("net/ipv6/conf/" + link + "/forwarding") == "0")
            names.push_back(link);
    }
    return names;
}

} // namespace

void ForwardingSwitches::change(const std::string& name, const std::string& value) {
    const std::string found = read_switch(name);
    if (found.empty() || found == value)
        return;
    // Written down first: whoever is killed in between leaves a line too many.
    std::string lines = read_file_if_exists(record_).value_or("");
    if (("\n" + lines).find("\n" + name + " ") == std::string::npos)
        write_atomically(record_, lines + name + " " + found + " " + value + "\n", 0600);
    if (!write_switch(name, value))
        log_warning("cannot write '" + value + "' to /proc/sys/" + name);
}

void ForwardingSwitches::turn_on() {
    change(forward_v4, "1");
    if (read_switch(forward_v6) == "0") {
        for (const std::string& link : links_that_listen_to_routers())
            change("net/ipv6/conf/" + link + "/accept_ra", "2");
        change(forward_v6, "1");
    }
}

void ForwardingSwitches::turn_back(bool others_rely_on_them) {
    const std::string lines = read_file_if_exists(record_).value_or("");
    const auto all = split_words(lines, "\n");
    for (const std::string_view line : all | std::views::reverse) {
        const auto words = split_words(line);
        // Somebody else's value by now is theirs.
        if (words.size() == 3 && !others_rely_on_them && read_switch(std::string{words[0]}) == words[2])
            (void)write_switch(std::string{words[0]}, std::string{words[1]});
    }
    (void)::unlink(record_.c_str());
}

void accept_loopback_addresses(const std::string& link) {
    if (!write_switch("net/ipv4/conf/" + link + "/route_localnet", "1"))
        log_debug("connections to 127.0.0.1 do not reach ports behind " + link);
}

} // namespace machinist
