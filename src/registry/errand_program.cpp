// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/errand_program.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/sockets.hpp"
#include "spec/errand.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace machinist {

UniqueFd take_reply_descriptor(const char* word) {
    const auto number = parse_integer<int>(word);
    if (!number || *number <= STDERR_FILENO || ::fcntl(*number, F_SETFD, FD_CLOEXEC) < 0)
        return {};
    return UniqueFd{*number};
}

int answer_errand(BorrowedFd reply, const std::function<void()>& work) {
    try {
        work();
        send_message(reply, done_message(""));
        return EXIT_SUCCESS;
    } catch (const Failure& failure) {
        send_message(reply, failed_message(failure));
        return exit_status_for(failure);
    } catch (const std::exception& broken) {
        send_message(reply, failed_message(Failure{FailureKind::internal, broken.what()}));
        return EXIT_FAILURE;
    }
}

} // namespace machinist
