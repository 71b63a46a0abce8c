// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "cli/control/image_verbs.hpp"
#include "cli/control/table.hpp"
#include "image/commit.hpp"
#include "image/disk_image.hpp"
#include "image/disk_visit.hpp"
#include "image/package_database.hpp"
#include "image/pool.hpp"
#include "image/snapshots.hpp"
#include "image/stack.hpp"
#include "image/tree_difference.hpp"
#include "kernel/files.hpp"
#include "registry/machine_facts.hpp"
#include "registry/machine_root.hpp"
#include "registry/run_directory_view.hpp"

#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <utility>

namespace machinist {

namespace {

struct OpenTree {
    UniqueFd root;
    std::uint32_t first_id = 0;
    std::unique_ptr<DiskVisit> visit = {}; // as long as it lasts, the disk image is mounted
    [[nodiscard]] Tree tree() const {
        return {root, first_id};
    }
};

struct Pair {
    OpenTree before;
    OpenTree now;
};

OpenTree visit_disk(const std::filesystem::path& image, const DiskSpec& disk) {
    auto visit = std::make_unique<DiskVisit>(image, disk);
    UniqueFd root = open_beneath(visit->root(), ".", O_RDONLY | O_DIRECTORY, Links::refuse);
    return {std::move(root), 0, std::move(visit)};
}

OpenTree open_tree_of(const PoolImage& image) {
    if (image.type == ImageType::raw || image.type == ImageType::block)
        return visit_disk(image.path, inspect_disk(image.path));
    return {open_image_tree(image.path), 0};
}

// What an image was before it was written to: the layers below, or else its last snapshot.
OpenTree former_state(const Pool& pool, const std::filesystem::path& path, const std::string& name) {
    if (is_stack(path))
        return {open_layers(read_stack(path)), 0};
    const auto snapshots = list_snapshots(pool, name);
    if (snapshots.empty())
        throw Failure{FailureKind::not_found,
                      "there is nothing to compare '" + name + "' with: it has no layers and no snapshots"}
            .try_instead("the name of another image behind it");
    return open_tree_of(snapshots.back().state);
}

// An instance is compared with its image, which it leaves as it is.
OpenTree state_before(const Pool& pool, const Machine& machine) {
    if (!machine.spec)
        throw Failure{FailureKind::not_supported, "compare machine '" + machine.name() + "': another manager's"};
    const RootSpec& root = machine.spec->root;
    if (root.layer != LayerKind::none || root.volatile_mode != VolatileMode::no)
        return root.disk ? visit_disk(root.directory, *root.disk) : OpenTree{open_image_tree(root.directory), 0};
    return former_state(pool, root.directory, machine.name());
}

Pair trees_for(const Invocation& call, const MachineStore& machines) {
    const Pool pool;
    const std::string& name = call.words[0];
    if (call.words.size() > 1)
        return {open_tree_of(pool.get(name)), open_tree_of(pool.get(call.words[1]))};
    const auto machine_name = MachineName::parse(name);
    if (const auto machine = machine_name ? machines.find(*machine_name) : std::nullopt) {
        const auto shift = read_id_shift(*machine);
        return {state_before(pool, *machine), {open_machine_root(*machine), shift ? shift->base : 0}};
    }
    const PoolImage image = pool.get(name);
    return {former_state(pool, image.path, image.name), open_tree_of(image)};
}

// Where a machine's own layer on top of its image lies on disk; empty if it has none, or one that is in memory.
std::filesystem::path layer_on_disk(const Machine& machine) {
    const auto view = RunDirectoryView::open(machine.run_directory);
    constexpr std::string_view verb = "tree ";
    for (const std::string& line : view ? view->undo_lines() : std::vector<std::string>{})
        if (line.starts_with(verb))
            return std::filesystem::path{line.substr(verb.size())} / "upper";
    return {};
}

bool commit_without_copying(const Pool& pool, const Machine& machine, const std::string& new_name) {
    if (!machine.spec || machine.spec->root.volatile_mode != VolatileMode::no)
        return false;
    const RootSpec& root = machine.spec->root;
    const bool writes_to_image = root.layer == LayerKind::none && !root.read_only;
    const std::filesystem::path written = root.layer == LayerKind::disk ? layer_on_disk(machine) : "";
    if (!writes_to_image && (written.empty() || !std::filesystem::is_directory(written)))
        return false;
    for (const PoolImage& image : pool.list())
        if (image.path == root.directory)
            return commit_by_layers(pool, image, written, new_name);
    return false;
}

std::string word_for(Change change) {
    return std::string{name_of(change_names, change)};
}

} // namespace

int show_differences(const Invocation& call, const MachineStore& machines) {
    const Pair pair = trees_for(call, machines);
    Table table{{"CHANGE", "KIND", "NAME", "BEFORE", "NOW"}};
    for (FileChange& change : compare_files(pair.before.tree(), pair.now.tree()))
        table.add({word_for(change.change), "file", std::move(change.path), std::nullopt, std::nullopt});
    for (PackageChange& change : compare_packages(pair.before.root, pair.now.root))
        table.add({word_for(change.change), "package", std::move(change.name),
                   change.before.empty() ? Cell{} : Cell{change.before},
                   change.now.empty() ? Cell{} : Cell{change.now}});
    table.print(call, "differences");
    const std::string unread = unread_package_database(pair.now.root);
    if (!unread.empty() && !call.quiet)
        std::fprintf(stderr, "machinist: packages are not compared: a database is there that cannot be read, %s\n",
                     unread.c_str());
    return 0;
}

int commit_machine(const Invocation& call, const MachineStore& machines) {
    const Machine machine = machines.get(call.words[0]);
    const UniqueFd root = open_machine_root(machine);
    // Nothing may be put in the place of what is being copied: links would lead out of the machine.
    const StandingStill still{machine};
    const Pool pool;
    if (call.copy || !commit_without_copying(pool, machine, call.words[1]))
        commit_tree(pool, root, call.words[1]);
    return 0;
}

} // namespace machinist
