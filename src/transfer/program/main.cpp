// SPDX-License-Identifier: LGPL-2.1-or-later
// `machinist-transfer`: brings one image in or out, and ends. For `machinist` and machinistd.
#include "base/exit_status.hpp"
#include "base/failure.hpp"
#include "kernel/capabilities.hpp"
#include "transfer/program/carrying_out.hpp"
#include "transfer/program/order.hpp"
#include "transfer/program/reporting.hpp"

#include <csignal>
#include <cstdint>
#include <initializer_list>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

const Cancellation* canceled_by_signal = nullptr;

void on_signal(int) {
    canceled_by_signal->cancel();
}

// What making files of others, subvolumes and views of mount stacks takes, and putting work into confinement.
void keep_few_capabilities() {
    std::uint64_t kept = 0;
    for (const unsigned capability :
         {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_MKNOD, CAP_SETFCAP,
          CAP_SYS_ADMIN, CAP_LINUX_IMMUTABLE, CAP_SETUID, CAP_SETGID, CAP_KILL, CAP_SYS_CHROOT})
        kept |= std::uint64_t{1} << capability;
    const CapabilitySets held = current_capabilities();
    (void)set_capabilities({.effective = held.effective & kept, .permitted = held.permitted & kept});
    set_no_new_privileges();
}

int main_of(std::span<char*> arguments) {
    const TransferOrder order = parse_transfer_order(arguments);
    static const Cancellation cancellation;
    canceled_by_signal = &cancellation;
    struct sigaction action {};
    action.sa_handler = on_signal;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    ::umask(022);
    keep_few_capabilities();
    Reporting reporting{order};
    ProgressMeter meter{cancellation, [&](const TransferProgress& progress) { reporting.tell(progress); },
                        [&](int priority, const std::string& sentence) { reporting.say(priority, sentence); }};
    try {
        reporting.finish(carry_out(order, meter), nullptr);
        return 0;
    } catch (const Failure& failure) {
        reporting.finish("", &failure);
        return exit_status_for(failure);
    }
}

} // namespace

} // namespace machinist

int main(int count, char** arguments) {
    return machinist::told_as_exit_status([&] {
        return machinist::main_of({arguments, static_cast<std::size_t>(count)});
    });
}
