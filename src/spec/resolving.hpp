// SPDX-License-Identifier: LGPL-2.1-or-later
// The parts of resolve(): each decides one side of the spec and may rely on those above it.
#pragma once

#include "spec/resolve.hpp"

#include <string>
#include <string_view>

namespace machinist::resolving {

struct Resolving {
    const StartRequest& request;
    const Settings& settings;
    const ImageFacts& image;
    const HostFacts& host;
    const Chance& chance;
    const LoadedCredentials& loaded;
    MachineSpec spec;
    Problems problems;
    Problems warnings;

    // sentence: complete. The kind is invalid.
    void problem(std::string_view option, std::string sentence, std::string remedy = {});
    void problem(FailureKind kind, std::string_view option, std::string sentence, std::string remedy = {});
    void warn(std::string_view option, std::string sentence, std::string remedy = {});

    // Nothing if it is not set or empty.
    [[nodiscard]] std::optional<std::string> environment(const std::string& name) const;
    // A boolean of the environment; a problem if it is none.
    bool environment_flag(const std::string& name, bool by_default);

    [[nodiscard]] bool nspawn_manner() const {
        return request.manner == Manner::nspawn;
    }
    [[nodiscard]] bool boots() const {
        return spec.payload.mode == StartMode::boot;
    }
    [[nodiscard]] bool ephemeral() const {
        return settings.ephemeral.value_or(false);
    }
    [[nodiscard]] bool has_root_mount() const;
    // Whether what the machine sees as /etc can be written before it starts.
    [[nodiscard]] bool etc_is_writable() const;
};

// In this order.
void start_mode(Resolving& r);
void extra_mounts(Resolving& r);
void root(Resolving& r);
void identity(Resolving& r);
void users(Resolving& r);
void network(Resolving& r);
void namespaces(Resolving& r);
void bound_users(Resolving& r);
void devices(Resolving& r);
void capabilities(Resolving& r);
void selinux(Resolving& r);
void syscall_filter(Resolving& r);
void nesting(Resolving& r);
void resources(Resolving& r);
void console(Resolving& r);
void payload(Resolving& r);
void forwarded_journal(Resolving& r);
void credentials(Resolving& r);
void integration(Resolving& r);
void registration(Resolving& r);

} // namespace machinist::resolving
