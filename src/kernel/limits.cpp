// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/limits.hpp"

#include "base/failure.hpp"
#include "base/unique_fd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <sys/personality.h>
#include <vector>

namespace machinist {
namespace {

struct Personality {
    std::string_view name;
    unsigned long value;
};

#if defined(__x86_64__) || defined(__i386__)
constexpr Personality personalities[]{
#ifdef __x86_64__
    {"x86-64", PER_LINUX},
#endif
    {"x86", PER_LINUX32}};
#elif defined(__aarch64__)
constexpr Personality personalities[]{{"arm64", PER_LINUX}, {"arm", PER_LINUX32}};
#else
constexpr std::array<Personality, 0> personalities{};
#endif

} // namespace

rlimit set_closest_limit(int resource, rlimit wanted, pid_t process) {
    const auto kind = static_cast<__rlimit_resource>(resource);
    if (::prlimit(process, kind, &wanted, nullptr) == 0)
        return wanted;
    const std::string name = "resource limit " + std::to_string(resource);
    if (errno != EPERM)
        throw system_failure("set " + name);
    rlimit current{};
    if (::prlimit(process, kind, nullptr, &current) < 0)
        throw system_failure("read " + name);
    const rlimit closest{std::min(wanted.rlim_cur, current.rlim_max), std::min(wanted.rlim_max, current.rlim_max)};
    if (::prlimit(process, kind, &closest, nullptr) < 0)
        throw system_failure("set " + name);
    return closest;
}

void set_oom_score_adjustment(int score, pid_t process) {
    const std::string directory = process == 0 ? "self" : std::to_string(process);
    const UniqueFd file{::open(("/proc/" + directory + "/oom_score_adj").c_str(), O_WRONLY | O_CLOEXEC)};
    const std::string text = std::to_string(score);
    if (file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()))
        return;
    Failure failure = system_failure("set the OOM score adjustment to " + text);
    if (failure.error_number() == EACCES)
        failure.try_instead("a score that is not below the caller's own: lowering it needs CAP_SYS_RESOURCE");
    throw failure;
}

void set_cpu_affinity(std::span<const int> cpus, pid_t process) {
    if (cpus.empty())
        return;
    const int highest = std::max(*std::max_element(cpus.begin(), cpus.end()), CPU_SETSIZE - 1);
    if (std::any_of(cpus.begin(), cpus.end(), [](int cpu) { return cpu < 0 || cpu > 0xffff; }))
        throw Failure{FailureKind::invalid, "a number of the CPU affinity is out of range"};
    const std::size_t size = CPU_ALLOC_SIZE(highest + 1);
    std::vector<cpu_set_t> mask((size + sizeof(cpu_set_t) - 1) / sizeof(cpu_set_t));
    for (const int cpu : cpus)
        CPU_SET_S(static_cast<unsigned>(cpu), size, mask.data());
    if (::sched_setaffinity(process, size, mask.data()) < 0)
        throw system_failure("set the CPU affinity");
}

void set_personality(std::string_view architecture) {
    if (architecture.empty())
        return;
    for (const auto& [name, value] : personalities)
        if (name == architecture) {
            if (::personality(value) < 0)
                throw system_failure("set the personality '" + std::string{architecture} + "'");
            return;
        }
    throw Failure{FailureKind::invalid,
                  "this machine's processor has no personality '" + std::string{architecture} + "'"};
}

} // namespace machinist
