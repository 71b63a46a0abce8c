// SPDX-License-Identifier: LGPL-2.1-or-later
// The functions that the rows of the option table name, one for each way a value is written.
#pragma once

#include "spec/option_table.hpp"

namespace machinist::option_parsers {

// option_parsers_general.cpp
void help(Reading&);
void version(Reading&);
void introspect(Reading&);
void quiet(Reading&);
void no_ask_password(Reading&);
void nothing(Reading&);
void settings_use(Reading&);
void cleanup(Reading&);
void user_or_scope(Reading&);
void dry_run(Reading&);
void json(Reading&);
void directory(Reading&);
void make_from(Reading&);
void image(Reading&);
void stack(Reading&);
void bundle(Reading&);
void ephemeral(Reading&);
void layer(Reading&);
void read_only(Reading&);
void volatile_mode(Reading&);
void pivot_root(Reading&);
void machine(Reading&);
void hostname(Reading&);
void machine_id(Reading&);
void slice(Reading&);
void unit_property(Reading&);
void registration(Reading&);
void keep_unit(Reading&);
void group_limit(Reading&);
void any_key(Reading&);
void share_system(Reading&);

// option_parsers_disks.cpp
void image_policy(Reading&);
void root_hash(Reading&);
void root_hash_signature(Reading&);
void verity_data(Reading&);

// option_parsers_execution.cpp
void boot(Reading&);
void as_pid2(Reading&);
void parameters(Reading&);
void working_directory(Reading&);
void set_environment(Reading&);
void environment_words(Reading&);
void user(Reading&);
void kill_signal(Reading&);
void notify_ready(Reading&);
void suppress_sync(Reading&);
void console(Reading&);
void pipe(Reading&);
void background(Reading&);
void set_credential(Reading&);
void load_credential(Reading&);

// option_parsers_isolation.cpp
void private_users(Reading&);
void pick_users(Reading&);
void managed_by(Reading&);
void users_ownership(Reading&);
void users_chown(Reading&);
void users_delegate(Reading&);
void capability(Reading&);
void drop_capability(Reading&);
void ambient_capability(Reading&);
void no_new_privileges(Reading&);
void selinux_context(Reading&);
void selinux_api_context(Reading&);
void nesting(Reading&);
void system_call_filter(Reading&);
void address_families(Reading&);
void limit(Reading&);
void limit_key(Reading&);
void oom_score_adjust(Reading&);
void cpu_affinity(Reading&);
void personality(Reading&);

// option_parsers_network.cpp
void private_network(Reading&);
void network_namespace(Reading&);
void network_veth(Reading&);
void network_extra_veth(Reading&);
void network_bridge(Reading&);
void network_zone(Reading&);
void network_interface(Reading&);
void network_macvlan(Reading&);
void network_ipvlan(Reading&);
void network_address(Reading&);
void network_gateway(Reading&);
void network_name_server(Reading&);
void port(Reading&);

// option_parsers_mounts.cpp
void bind(Reading&);
void bind_read_only(Reading&);
void overlay(Reading&);
void overlay_read_only(Reading&);
void tmpfs(Reading&);
void inaccessible(Reading&);
void bind_user(Reading&);
void bind_user_shell(Reading&);
void bind_user_group(Reading&);
void device(Reading&);
void resolv_conf(Reading&);
void timezone(Reading&);
void link_journal(Reading&);
void link_journal_try_guest(Reading&);
void forward_journal(Reading&);
void forward_journal_max_use(Reading&);
void forward_journal_keep_free(Reading&);
void forward_journal_max_file_size(Reading&);
void forward_journal_max_files(Reading&);

// What several of them need.
bool is_account_name(std::string_view name);
std::optional<bool> boolean(const Reading&);       // true without a value; tells the problem
std::optional<Path> host_path(const Reading&);     // as written; tells the problem
std::optional<Path> absolute_path(const Reading&); // normal: no "." or ".."; tells the problem
// What was written of a group so far.
template <typename Group>
Group& group(std::optional<Group>& member) {
    if (!member)
        member.emplace();
    return *member;
}
// "help" as the value of an option: the list is printed instead of a start.
bool asks_for_list(Reading&, const std::string& list);

} // namespace machinist::option_parsers
