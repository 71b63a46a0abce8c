// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dissect/answering.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <cstdlib>
#include <unistd.h>

namespace machinist::dissect {

void tell_and_end(const std::function<std::string()>& answer) {
    const BorrowedFd out{STDOUT_FILENO};
    try {
        write_all(out, answer());
        std::_Exit(EXIT_SUCCESS);
    } catch (const Failure& failure) {
        write_all(out, failure.serialize());
    } catch (const std::exception& broken) {
        write_all(out, Failure{FailureKind::internal, broken.what()}.serialize());
    }
    std::_Exit(EXIT_FAILURE);
}

} // namespace machinist::dissect
