// SPDX-License-Identifier: LGPL-2.1-or-later
#include "namespaces/debian.hpp"

#include "namespaces/machine.hpp"
#include "spec/run_directory.hpp"

#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace fs = std::filesystem;

namespace machinist::test {

fs::path Debian::tree_of(const std::string& suite) {
    const char* trees = std::getenv("MACHINIST_TEST_TREES");
    return fs::path{trees ? trees : "/var/cache/machinist-tests/trees"} / suite;
}

bool Debian::has_tree(const std::string& suite) {
    return fs::exists(tree_of(suite) / "usr");
}

Debian::Debian(const std::string& suite, std::vector<std::string> options, const std::string& called_as)
    : name_(unused_name()) {
    std::vector<std::string> arguments;
    if (called_as.empty())
        arguments.emplace_back("run");
    arguments.insert(arguments.end(), {"--boot", "--machine=" + name_, "--console=read-only"});
    bool has_tree = false;
    for (const std::string& option : options)
        has_tree |= option.starts_with("--directory=") || option.starts_with("--image=");
    if (!has_tree)
        arguments.insert(arguments.end(), {"--ephemeral", "--directory=" + tree_of(suite).string()});
    arguments.insert(arguments.end(), options.begin(), options.end());
    ProgramOptions program;
    program.called_as = called_as;
    program.environment = {"TERM=vt220"};
    program_ = std::make_unique<Program>(MACHINIST_PROGRAM, arguments, program);
    if (!becomes_ready())
        throw std::runtime_error{"Debian " + suite + " does not become ready; its console: " + console()};
}

Debian::~Debian() {
    if (!program_->runs())
        return;
    program_->signal(SIGTERM);
    pause_for(50ms);
    program_->signal(SIGTERM);
    program_->end_within(10s);
}

bool Debian::becomes_ready(milliseconds patience) {
    // The machine is known a moment after its program was started.
    const auto seconds = std::to_string(patience.count() / 1000);
    return eventually(
               [&] {
                   return !program_->runs() ||
                          run(MACHINIST_PROGRAM, {"wait", name_, "--for=ready", "--timeout=" + seconds}, {},
                              patience + 5s)
                                  .status == 0;
               },
               patience) &&
           program_->runs();
}

Outcome Debian::sh(const std::string& command, milliseconds patience) const {
    return run(MACHINIST_PROGRAM, {"exec", name_, "--", "sh", "-c", command}, {}, patience);
}

pid_t Debian::leader() const {
    const std::string text = text_of(run_directory::path(name_) + "/leader");
    return text.empty() ? -1 : static_cast<pid_t>(std::strtol(text.c_str(), nullptr, 10));
}

} // namespace machinist::test
