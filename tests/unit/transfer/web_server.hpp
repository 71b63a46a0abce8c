// SPDX-License-Identifier: LGPL-2.1-or-later
// web_server.py as long as it lives, with a directory of its own to serve.
#pragma once

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/pipe.hpp"
#include "temporary_directory.hpp"

#include <csignal>
#include <filesystem>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist::testing {

class WebServer {
public:
    // With a file of certificate and key it speaks TLS.
    explicit WebServer(const std::filesystem::path& certificate = {}) {
        auto [from, to] = make_pipe();
        process_ = ::fork();
        if (process_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::dup2(to.get(), STDOUT_FILENO);
            ::execlp("python3", "python3", WEB_SERVER, files.path().c_str(),
                     certificate.empty() ? nullptr : certificate.c_str(), nullptr);
            ::_exit(127);
        }
        to.reset();
        std::string port;
        for (char letter = 0; ::read(from.get(), &letter, 1) == 1 && letter != '\n';)
            port += letter;
        if (port.empty())
            throw Failure{FailureKind::system, "web_server.py ended before it listened"};
        base_ = (certificate.empty() ? "http" : "https") + std::string{"://127.0.0.1:"} + port;
    }
    WebServer(const WebServer&) = delete;
    WebServer& operator=(const WebServer&) = delete;
    ~WebServer() {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }

    // manner: what web_server.py knows.
    [[nodiscard]] std::string url(const std::string& manner, const std::string& file) const {
        return base_ + "/" + manner + "/" + file;
    }
    [[nodiscard]] std::string log() const {
        return read_file_if_exists(files.path() / "log").value_or("");
    }

    TemporaryDirectory files;

private:
    pid_t process_ = -1;
    std::string base_;
};

} // namespace machinist::testing
