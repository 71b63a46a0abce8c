// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vm/virtual_machine.hpp"

#include "base/base64.hpp"
#include "base/scope_exit.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace machinist::test {

namespace {

std::filesystem::path trees() {
    const char* given = std::getenv("MACHINIST_TEST_TREES");
    return given ? given : "/var/cache/machinist-tests/trees";
}

} // namespace

std::string why_no_virtual_machine() {
    if (::geteuid() != 0)
        return "needs root";
    if (!std::filesystem::exists(trees() / "vm-bookworm/usr") || !std::filesystem::exists(trees() / "bookworm/usr"))
        return "needs the Debian trees vm-bookworm and bookworm; tests/run makes them";
    if (!std::filesystem::exists("/usr/bin/qemu-system-x86_64"))
        return "needs qemu-system-x86";
    return {};
}

VirtualMachine::VirtualMachine() {
    char name[] = "/var/tmp/machinist-vm.XXXXXX";
    if (!::mkdtemp(name))
        throw std::runtime_error{"make a directory in /var/tmp"};
    work_ = name;
    ScopeExit remove{[&] { std::filesystem::remove_all(work_); }};
    const Outcome installed = run("/bin/sh", {"-c", "DESTDIR=$1 exec meson install -C $2 --no-rebuild --quiet", "sh",
                                              work_ / "installed", BUILD_ROOT});
    if (installed.status != 0)
        throw std::runtime_error{"install the build: " + installed.output + installed.errors};
    ProgramOptions options;
    options.dialogue = true;
    program_ = std::make_unique<Program>(BOOT_PROGRAM,
                                         std::vector<std::string>{trees() / "vm-bookworm", work_ / "installed", work_,
                                                                  "web=" + (trees() / "bookworm").string()},
                                         options);
    if (program_->line(600s) != "up")
        throw std::runtime_error{"boot a virtual machine: " + program_->errors() + console()};
    remove.release();
}

VirtualMachine::~VirtualMachine() {
    program_.reset();
    std::filesystem::remove_all(work_);
}

Outcome VirtualMachine::sh(const std::string& command) {
    program_->say(base64(command) + "\n");
    const std::string answer = program_->line(300s).value_or("-1 ");
    const std::size_t blank = answer.find(' ');
    return {.status = std::atoi(answer.c_str()),
            .output = from_base64(std::string_view{answer}.substr(blank + 1)).value_or(""),
            .errors = {}};
}

std::string VirtualMachine::console() const {
    std::ostringstream text;
    text << std::ifstream{work_ / "console"}.rdbuf();
    return text.str();
}

VirtualMachine& virtual_machine() {
    static VirtualMachine booted;
    return booted;
}

} // namespace machinist::test
