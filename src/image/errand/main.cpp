// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist-image: does one thing with an image of the pool for another program, answers it over a socket, and ends.
// What it looks into may be shaped to harm, and may take long.
#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/errand/image_errands.hpp"
#include "kernel/files.hpp"
#include "kernel/sockets.hpp"
#include "spec/errand.hpp"

#include <cstdio>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace machinist {

namespace {

UniqueFd file_with(std::string_view text) {
    UniqueFd file{::memfd_create("machinist-image", MFD_CLOEXEC)};
    if (!file)
        throw system_failure("make a file in memory");
    write_all(file, text);
    if (::lseek(file.get(), 0, SEEK_SET) < 0)
        throw system_failure("go to the begin of a file in memory");
    return file;
}

void answer(BorrowedFd reply, const std::string& text) {
    if (text.size() <= errand_text_limit) {
        send_message(reply, done_message(text));
        return;
    }
    const UniqueFd file = file_with(text);
    send_message(reply, done_message(""), {file.get()});
}

// REPLY KIND WORD...
int run(int count, char** words) {
    const auto number = count > 2 ? parse_integer<int>(words[1]) : std::nullopt;
    const auto kind = number ? value_named(image_errand_names, words[2]) : std::nullopt;
    if (!kind || *number <= STDERR_FILENO || ::fcntl(*number, F_SETFD, FD_CLOEXEC) < 0) {
        std::fputs("machinist-image is run by machinistd; people use 'machinist'\n", stderr);
        return 2;
    }
    const UniqueFd reply{*number};
    try {
        answer(reply, do_image_errand(Pool{}, {.kind = *kind, .words = {words + 3, words + count}}));
        return 0;
    } catch (const Failure& failure) {
        send_message(reply, failed_message(failure));
        return exit_status_for(failure);
    }
}

} // namespace

} // namespace machinist

int main(int count, char** words) {
    try {
        return machinist::run(count, words);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "machinist-image: %s\n", failure.what());
        return 1;
    }
}
