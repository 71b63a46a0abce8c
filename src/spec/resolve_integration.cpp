// SPDX-License-Identifier: LGPL-2.1-or-later
// Resolving what the machine shares with the host: name servers, time zone, journal.
#include "spec/resolving.hpp"

#include <algorithm>

namespace machinist::resolving {

namespace {

ResolvConfMode resolv_conf(const Resolving& r) {
    if (!r.spec.network.name_servers.empty())
        return ResolvConfMode::given;
    const bool writable = r.etc_is_writable();
    // Where we see to the machine's link, name servers come when it starts.
    if (r.spec.network.veth && r.spec.network.bridge.empty() && writable)
        return ResolvConfMode::given;
    if (r.spec.network.is_private)
        return ResolvConfMode::off;
    if (r.host.resolved_stub)
        return writable ? ResolvConfMode::copy_stub : ResolvConfMode::bind_stub;
    if (r.host.has_resolv_conf)
        return writable ? ResolvConfMode::copy_host : ResolvConfMode::bind_host;
    return writable ? ResolvConfMode::remove : ResolvConfMode::off;
}

TimezoneMode timezone(const Resolving& r) {
    const bool writable = r.etc_is_writable();
    if (!r.host.has_localtime && !r.host.localtime_is_symlink)
        return writable ? TimezoneMode::remove : TimezoneMode::off;
    if (!writable)
        return r.host.has_localtime ? TimezoneMode::bind : TimezoneMode::off;
    const bool can_link = r.host.localtime_is_symlink && !r.host.timezone_name.empty() && r.image.has_zoneinfo_of_host;
    if (can_link)
        return TimezoneMode::symlink;
    return r.host.has_localtime ? TimezoneMode::copy : TimezoneMode::off;
}

void link_journal(Resolving& r) {
    IntegrationSpec& integration = r.spec.integration;
    const LinkJournalSettings written = r.settings.link_journal.value_or(LinkJournalSettings{});
    integration.link_journal_may_fail = written.may_fail;
    LinkJournalMode mode = written.mode;
    if (mode == LinkJournalMode::automatic)
        mode = r.host.journal_directory_of_machine ? LinkJournalMode::host : LinkJournalMode::no;
    if (mode == LinkJournalMode::no)
        return;
    if (r.ephemeral()) {
        if (!written.may_fail)
            r.problem("--link-journal", "--link-journal would keep the journal of a machine that is thrown away",
                      "--link-journal=no");
        return;
    }
    if (r.host.machine_id && *r.host.machine_id == r.spec.id) {
        const std::string sentence = "--link-journal: host and machine have the same id, " + r.spec.id.plain();
        if (!written.may_fail)
            r.problem("--link-journal", sentence, "removing /etc/machine-id from the image");
        else
            r.warn("--link-journal", sentence + ", so their journals stay apart");
        return;
    }
    integration.link_journal = mode;
}

void warn_of_a_limit_of_nothing(Resolving& r) {
    const Settings& written = r.settings;
    if (written.forward_journal_max_use || written.forward_journal_keep_free || written.forward_journal_max_file_size ||
        written.forward_journal_max_files)
        r.warn("--forward-journal", "limits of a forwarded journal have no effect: it is not forwarded",
               "--forward-journal=FILE|DIR");
}

} // namespace

void forwarded_journal(Resolving& r) {
    const Settings& written = r.settings;
    if (!written.forward_journal)
        return warn_of_a_limit_of_nothing(r);
    if (written.credentials && std::ranges::find(*written.credentials, journal_credential, &CredentialSetting::name) !=
                                   written.credentials->end())
        return r.problem("--forward-journal",
                         std::string{"--forward-journal and a credential '"} + journal_credential +
                             "' exclude each other",
                         "leaving one of them out");
    r.spec.integration.forwarded_journal =
        JournalForwarding{.output = r.host.working_directory / *written.forward_journal,
                          .max_use = written.forward_journal_max_use,
                          .keep_free = written.forward_journal_keep_free,
                          .max_file_size = written.forward_journal_max_file_size,
                          .max_files = written.forward_journal_max_files};
    r.spec.credentials.push_back({journal_credential, journal_socket_inside});
    const InitFacts& init = r.image.init;
    const bool is_too_old =
        init.systemd_version.value_or(first_systemd_with_forwarding) < first_systemd_with_forwarding;
    if (r.boots() && (init.kind != "systemd" || is_too_old))
        r.warn("--forward-journal", "--forward-journal: the image's init (" + init.kind +
                                        (is_too_old ? " " + std::to_string(*init.systemd_version) : "") +
                                        ") does not send its journal; systemd does from version " +
                                        std::to_string(first_systemd_with_forwarding) + " on");
}

void integration(Resolving& r) {
    IntegrationSpec& integration = r.spec.integration;
    const auto written_resolv_conf = r.settings.resolv_conf.value_or(OrAutomatic<ResolvConfMode>{}).chosen;
    integration.resolv_conf = written_resolv_conf ? *written_resolv_conf : resolv_conf(r);
    if (written_resolv_conf == ResolvConfMode::given && r.spec.network.name_servers.empty())
        r.problem("--resolv-conf", "--resolv-conf=dns: no name server is given", "--network-dns=ADDRESS");
    const auto written_timezone = r.settings.timezone.value_or(OrAutomatic<TimezoneMode>{}).chosen;
    integration.timezone = written_timezone ? *written_timezone : timezone(r);
    if (integration.timezone == TimezoneMode::symlink) {
        integration.timezone_name = r.host.timezone_name;
        if (r.host.timezone_name.empty() || !r.image.has_zoneinfo_of_host) {
            integration.timezone = TimezoneMode::off;
            integration.timezone_name.clear();
            r.warn("--timezone", "--timezone=symlink: the machine does not know the host's time zone",
                   "--timezone=copy");
        }
    }
    link_journal(r);
}

} // namespace machinist::resolving
