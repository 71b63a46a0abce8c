// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/host_integration.hpp"

#include "base/failure.hpp"

#include <cerrno>

namespace machinist {

namespace {

struct Concern {
    const char* name;
    void (*set_up)(const MachineSpec&, BorrowedFd);
    bool (*must)(const MachineSpec&);
};

bool never(const MachineSpec&) {
    return false;
}

constexpr Concern concerns[] = {
    {"set up /etc/resolv.conf", set_up_resolv_conf, never},
    {"set up /etc/localtime", set_up_timezone, never},
    {"link the journal", link_journal, [](const MachineSpec& spec) { return !spec.integration.link_journal_may_fail; }},
};

} // namespace

std::vector<std::string> integrate_with_host(const MachineSpec& spec, BorrowedFd root) {
    std::vector<std::string> sentences;
    for (const Concern& concern : concerns) {
        try {
            doing(concern.name, [&] { concern.set_up(spec, root); });
        } catch (const Failure& failure) {
            if (concern.must(spec))
                throw;
            // An image on a read-only filesystem keeps its own, which is what its owner wants.
            if (failure.error_number() != EROFS)
                sentences.emplace_back(failure.what());
        }
    }
    return sentences;
}

} // namespace machinist
