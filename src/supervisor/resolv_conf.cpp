// SPDX-License-Identifier: LGPL-2.1-or-later
// The machine's /etc/resolv.conf, from the host's.
#include "supervisor/host_integration.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "supervisor/etc_file.hpp"

#include <fcntl.h>

namespace machinist {

namespace {

enum class Manner { copy, replace, bind };

struct Row {
    ResolvConfMode mode;
    Manner manner;
    const char* source;
};
constexpr const char* host_file = "/etc/resolv.conf";
constexpr const char* static_file = "/usr/lib/systemd/resolv.conf";
constexpr const char* uplink_file = "/run/systemd/resolve/resolv.conf";
constexpr const char* stub_file = "/run/systemd/resolve/stub-resolv.conf";
constexpr Row rows[] = {
    {ResolvConfMode::copy_host, Manner::copy, host_file},
    {ResolvConfMode::copy_static, Manner::copy, static_file},
    {ResolvConfMode::copy_uplink, Manner::copy, uplink_file},
    {ResolvConfMode::copy_stub, Manner::copy, stub_file},
    {ResolvConfMode::replace_host, Manner::replace, host_file},
    {ResolvConfMode::replace_static, Manner::replace, static_file},
    {ResolvConfMode::replace_uplink, Manner::replace, uplink_file},
    {ResolvConfMode::replace_stub, Manner::replace, stub_file},
    {ResolvConfMode::bind_host, Manner::bind, host_file},
    {ResolvConfMode::bind_static, Manner::bind, static_file},
    {ResolvConfMode::bind_uplink, Manner::bind, uplink_file},
    {ResolvConfMode::bind_stub, Manner::bind, stub_file},
};
constexpr const char* name = "resolv.conf";

void put(const Row& row, BorrowedFd etc) {
    // A link is how the machine says that it manages the file itself.
    if (row.manner == Manner::copy && look_at_etc_entry(etc, name) == EtcEntry::other)
        return;
    if (row.manner == Manner::bind)
        bind_host_file(etc, name, row.source);
    else
        put_etc_file(etc, name, read_file(row.source));
}

// A link to where a service of the machine would put them stays: that service is told as well.
void put_name_servers(const NetworkSpec& network, BorrowedFd etc) {
    if (network.name_servers.empty() || look_at_etc_entry(etc, name) == EtcEntry::other)
        return;
    std::string text;
    for (const IpAddress& server : network.name_servers)
        text += "nameserver " + server.text() + "\n";
    put_etc_file(etc, name, text);
}

} // namespace

void set_up_resolv_conf(const MachineSpec& spec, BorrowedFd root) {
    const ResolvConfMode mode = spec.integration.resolv_conf;
    if (mode == ResolvConfMode::off)
        return;
    const UniqueFd etc = open_etc(root);
    if (mode == ResolvConfMode::remove)
        return remove_etc_entry(etc, name);
    if (mode == ResolvConfMode::given)
        return put_name_servers(spec.network, etc);
    for (const Row& row : rows)
        if (row.mode == mode)
            return put(row, etc);
}

} // namespace machinist
