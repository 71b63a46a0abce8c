// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist-yaml: reads the YAML that is its standard input, in a sandbox, and tells on its standard output the same as
// JSON.
#include "base/failure.hpp"
#include "dissect/answering.hpp"
#include "dissect/sandbox.hpp"
#include "dissect/yaml_reading.hpp"
#include "kernel/files.hpp"

#include <unistd.h>

int main() {
    using namespace machinist;
    dissect::tell_and_end([] {
        constexpr std::size_t largest = std::size_t{1} << 20;
        dissect::close_the_sandbox();
        const std::string text = read_all(BorrowedFd{STDIN_FILENO}, largest + 1);
        if (text.size() > largest)
            throw Failure{FailureKind::hostile, "it is larger than 1 MiB"};
        return dissect::json_of_yaml(text);
    });
}
