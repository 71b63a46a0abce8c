// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cdi/cdi_search.hpp"

#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "image/directory_entries.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"
#include "kernel/way_of_root.hpp"
#include "oci/json_fields.hpp"

#include <chrono>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t most_files = 1024; // of a directory
constexpr std::size_t largest_answer = 4 * largest_cdi_file;
constexpr std::chrono::seconds patience{20};

std::string json_of_yaml(BorrowedFd file) {
    RunningProgram reader{{own_program("machinist-yaml").string()}, file};
    auto result = reader.finish_within(patience, largest_answer);
    if (!result)
        throw Failure{FailureKind::hostile, "it says too much, or takes too long to read"};
    if (result->status == 0)
        return std::move(result->output);
    if (auto failure = Failure::deserialize(result->output))
        throw std::move(*failure);
    throw Failure{FailureKind::not_supported, "machinist-yaml, which reads YAML, does not work or is not installed"}
        .try_instead("the same file as JSON");
}

CdiSpec read_file_of(const std::filesystem::path& path, std::size_t rank) {
    const UniqueFd file = open_path(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    const struct stat status = status_of(file);
    if (!S_ISREG(status.st_mode))
        throw Failure{FailureKind::hostile, "it is no regular file"};
    if (!is_way_of_root(path, file))
        throw Failure{FailureKind::not_permitted, "others than root may write to it, or to the way to it"};
    if (status.st_size > static_cast<off_t>(largest_cdi_file))
        throw Failure{FailureKind::hostile, "it is larger than 1 MiB"};
    return read_cdi_spec(path.extension() == ".yaml" ? json_of_yaml(file) : read_all(file, largest_cdi_file), path,
                         rank);
}

CdiSpec read_or_tell(const std::filesystem::path& path, std::size_t rank) {
    try {
        return read_file_of(path, rank);
    } catch (const Failure& failure) {
        CdiSpec unusable;
        unusable.file = path;
        unusable.rank = rank;
        unusable.problems.push_back({.kind = failure.kind(),
                                     .option = "--device",
                                     .value = path.string(),
                                     .sentence = path.string() + ": cannot be used: " + failure.what(),
                                     .remedy = {}});
        return unusable;
    }
}

} // namespace

std::vector<CdiSpec> read_cdi_specs(std::span<const std::filesystem::path> directories) {
    std::vector<CdiSpec> specs;
    for (std::size_t rank = 0; rank < directories.size(); ++rank) {
        const auto directory = open_path_if_exists(directories[rank], O_RDONLY | O_DIRECTORY);
        if (!directory)
            continue;
        for (const std::filesystem::path name : sorted_entries(*directory, most_files))
            if (name.extension() == ".json" || name.extension() == ".yaml")
                specs.push_back(read_or_tell(directories[rank] / name, rank));
    }
    return specs;
}

void compare_with_nodes(CdiPart& part) {
    for (const CdiClaim& claim : part.claims) {
        struct stat status {};
        // What is missing is told by the start itself.
        if (::stat(claim.node.c_str(), &status) < 0 || !(S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)))
            continue;
        oci::Findings findings{claim.file.string(), {}, {}};
        const char type = S_ISBLK(status.st_mode) ? 'b' : 'c';
        const std::string node = "'" + claim.node.string() + "'";
        const auto numbers = [](std::uint64_t major, std::uint64_t minor) {
            return std::to_string(major) + ":" + std::to_string(minor);
        };
        const std::uint32_t major = ::major(status.st_rdev);
        const std::uint32_t minor = ::minor(status.st_rdev);
        if (claim.type != 0 && claim.type != type)
            findings.refuse(claim.place, std::string{"is said to be a "} + (claim.type == 'b' ? "block" : "character") +
                                             " device; " + node + " is none");
        else if (claim.major && (*claim.major != major || claim.minor.value_or(0) != minor))
            findings.warn(claim.place, "is said to be device " + numbers(*claim.major, claim.minor.value_or(0)) +
                                           "; the machine gets " + node + ", which is " + numbers(major, minor));
        part.problems.insert(part.problems.end(), findings.problems.begin(), findings.problems.end());
        part.warnings.insert(part.warnings.end(), findings.warnings.begin(), findings.warnings.end());
    }
}

CdiPart find_cdi_devices(std::span<const CdiName> names) {
    if (names.empty())
        return {};
    CdiPart found = compose_cdi(names, read_cdi_specs());
    compare_with_nodes(found);
    return found;
}

} // namespace machinist
