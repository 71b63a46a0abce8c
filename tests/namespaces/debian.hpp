// SPDX-License-Identifier: LGPL-2.1-or-later
// A real Debian, booted on a throw-away layer, and commands run in it.
#pragma once

#include "namespaces/program.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace machinist::test {

class Debian {
public:
    // suite: bookworm, trixie, sid. Boots and waits until it is ready; throws with its console if it does not become
    // so.
    explicit Debian(const std::string& suite, std::vector<std::string> options = {}, const std::string& called_as = "");
    Debian(const Debian&) = delete;
    Debian& operator=(const Debian&) = delete;
    ~Debian();

    [[nodiscard]] const std::string& name() const {
        return name_;
    }
    [[nodiscard]] Program& program() {
        return *program_;
    }
    [[nodiscard]] std::string console() const {
        return program_->output() + program_->errors();
    }
    // A command line for the machine's shell, by `machinist exec`.
    [[nodiscard]] Outcome sh(const std::string& command, milliseconds patience = 60s) const;
    [[nodiscard]] pid_t leader() const;
    // Waits for READY=1 (again).
    bool becomes_ready(milliseconds patience = 90s);

    static std::filesystem::path tree_of(const std::string& suite);
    // Made, and whole.
    static bool has_tree(const std::string& suite);

private:
    std::string name_;
    std::unique_ptr<Program> program_;
};

} // namespace machinist::test
