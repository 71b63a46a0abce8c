// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cdi/cdi_search.hpp"

#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "image/directory_entries.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"
#include "kernel/way_of_root.hpp"

#include <chrono>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
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

CdiPart find_cdi_devices(std::span<const CdiName> names) {
    if (names.empty())
        return {};
    return compose_cdi(names, read_cdi_specs());
}

} // namespace machinist
