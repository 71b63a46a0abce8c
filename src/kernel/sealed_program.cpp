// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/sealed_program.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace machinist {

namespace {

constexpr int all_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

UniqueFd make_memory_file(const std::string& name) {
    // Hosts may refuse programs in memory files that do not ask for it (sysctl vm.memfd_noexec); kernels before 6.3 do
    // not know the question.
    UniqueFd file{::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC)};
    if (!file && errno == EINVAL)
        file = UniqueFd{::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!file)
        throw system_failure("make a memory file for '" + name + "'");
    return file;
}

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
    std::vector<char*> pointers;
    for (const std::string& word : words)
        pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

} // namespace

UniqueFd make_sealed_program(const std::filesystem::path& program) {
    const UniqueFd file = open_path(program, O_RDONLY | O_NOCTTY);
    UniqueFd copy = make_memory_file(program.filename().string());
    auto left = static_cast<std::size_t>(status_of(file).st_size);
    while (left > 0) {
        const ssize_t count = ::sendfile(copy.get(), file.get(), nullptr, left);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            throw system_failure("copy '" + program.string() + "' into memory", count < 0 ? errno : EIO);
        left -= static_cast<std::size_t>(count);
    }
    if (::fcntl(copy.get(), F_ADD_SEALS, all_seals) < 0)
        throw system_failure("seal the copy of '" + program.string() + "'");
    return copy;
}

bool runs_from_sealed_program() {
    const UniqueFd self{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    return self && ::fcntl(self.get(), F_GET_SEALS) == all_seals;
}

void execute_sealed_program(BorrowedFd program, const std::vector<std::string>& arguments,
                            const std::vector<std::string>& environment) {
    ::syscall(SYS_execveat, program.get(), "", pointers_to(arguments).data(), pointers_to(environment).data(),
              AT_EMPTY_PATH);
    throw system_failure("run '" + arguments.front() + "' from memory");
}

} // namespace machinist
