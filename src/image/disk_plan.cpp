// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/disk_plan.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/version_order.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace machinist {

namespace {

constexpr std::array<std::string_view, 6> mountable{"btrfs", "erofs", "ext4", "squashfs", "vfat", "xfs"};
constexpr std::string_view luks = "crypto_LUKS";

struct Found {
    Partition partition;
    std::string_view architecture;
};
using Candidates = std::map<Designator, Found>;

// In this order, so that parents come before what is mounted in them.
constexpr std::array mounted{Designator::root, Designator::usr, Designator::home,     Designator::srv,
                             Designator::var,  Designator::tmp, Designator::xbootldr, Designator::esp};

std::string sentence_name(Designator designator, const Partition& partition) {
    const std::string what{name_of(designator_names, designator)};
    return partition.number == 0 ? "the filesystem"
                                 : "partition " + std::to_string(partition.number) + " (" + what + ")";
}

bool is_read_only_by_nature(std::string_view filesystem) {
    return filesystem == "squashfs" || filesystem == "erofs";
}

class Planner {
public:
    Planner(const DiskLayout& layout, const DiskRequest& request) : layout_(layout), request_(request) {}

    DiskSpec plan() {
        check_layout(layout_);
        switch (layout_.table) {
        case PartitionTable::none: take_the_whole(); break;
        case PartitionTable::gpt: find_in_gpt(); break;
        case PartitionTable::mbr: find_in_mbr(); break;
        }
        DiskSpec spec{.sector_size = layout_.sector_size};
        for (const Designator designator : mounted)
            if (use(designator))
                spec.mounts.push_back(mount_of(designator));
        for (const auto& [designator, name] : designator_names)
            if (std::ranges::find(mounted, designator) == mounted.end())
                check_presence(designator);
        if (std::ranges::none_of(spec.mounts, [](const DiskMount& mount) {
                return mount.places.front() == "/" || mount.places.front() == "/usr";
            }))
            throw no_root();
        return spec;
    }

    std::optional<Partition> signature_of(Designator data) {
        const bool is_usr = data == Designator::usr;
        const auto tree = is_usr ? Designator::usr_verity : Designator::root_verity;
        const auto signature = is_usr ? Designator::usr_verity_sig : Designator::root_verity_sig;
        check_layout(layout_);
        if (layout_.table != PartitionTable::gpt || verity_of(data) != nullptr)
            return std::nullopt;
        find_in_gpt();
        const bool has_use = (request_.policy.flags_of(data) & (policy::verity | policy::signed_)) != 0 &&
                             (request_.policy.flags_of(signature) & policy::unprotected) != 0;
        if (!has_use || !found_.contains(data) || found_.at(data).partition.filesystem == luks ||
            !found_.contains(tree) || !found_.contains(signature))
            return std::nullopt;
        return found_.at(signature).partition;
    }

private:
    void take_the_whole() {
        if (layout_.filesystem.empty())
            throw Failure{FailureKind::not_found,
                          "find a filesystem: there is neither a partition table nor a filesystem "
                          "in it"};
        Partition whole;
        whole.size = layout_.size;
        whole.filesystem = layout_.filesystem;
        found_.emplace(Designator::root, Found{whole, ""});
    }

    void find_in_gpt() {
        std::vector<const Partition*> generic;
        for (const Partition& one : layout_.partitions) {
            if ((one.attributes & partition_not_automatic) != 0)
                continue;
            if (one.type == generic_linux_type)
                generic.push_back(&one);
            else if (const auto type = partition_type(one.type))
                consider(*type, one);
        }
        if (found_.contains(Designator::root) || found_.contains(Designator::usr))
            return;
        take_only_one(generic, "generic Linux partitions");
    }

    void find_in_mbr() {
        std::vector<const Partition*> active;
        for (const Partition& one : layout_.partitions) {
            if (one.type == "0x83" && (one.attributes & partition_active) != 0)
                active.push_back(&one);
            else if (one.type == "0xea")
                found_.emplace(Designator::xbootldr, Found{one, ""});
        }
        take_only_one(active, "bootable Linux partitions");
    }

    void take_only_one(const std::vector<const Partition*>& candidates, const char* what) {
        if (candidates.size() > 1)
            throw Failure{FailureKind::invalid, "find its root: it has " + std::to_string(candidates.size()) + " " +
                                                    what + ", and nothing says which is meant"}
                .try_instead("giving the root the type of root partitions (sfdisk --part-type)");
        if (candidates.size() == 1)
            found_.emplace(Designator::root, Found{*candidates.front(), ""});
    }

    void consider(const PartitionType& type, const Partition& one) {
        const auto [held, is_first] = found_.try_emplace(type.designator, Found{one, type.architecture});
        if (is_first)
            return;
        const int nearer = rank(type.architecture) - rank(held->second.architecture);
        // Of two of a kind the first counts; but systems that update themselves keep versions side by side.
        const bool is_versioned = !type.architecture.empty();
        if (nearer > 0 ||
            (nearer == 0 && is_versioned && compare_versions(one.label, held->second.partition.label) > 0))
            held->second = {one, type.architecture};
    }

    [[nodiscard]] int rank(std::string_view architecture) const {
        return architecture == request_.native ? 2 : architecture == request_.secondary ? 1 : 0;
    }

    [[nodiscard]] const VerityRequest* verity_of(Designator designator) const {
        const auto& wanted = designator == Designator::usr ? request_.usr : request_.root;
        return (designator == Designator::root || designator == Designator::usr) && wanted ? &*wanted : nullptr;
    }

    [[nodiscard]] unsigned protection_of(Designator designator, const Partition& one) const {
        if (one.filesystem == luks)
            return policy::encrypted;
        if (const auto* verity = verity_of(designator))
            return verity->signature.empty() ? policy::verity : policy::signed_ | policy::verity;
        return policy::unprotected;
    }

    void check_presence(Designator designator) const {
        const unsigned flags = request_.policy.flags_of(designator);
        const bool is_there = found_.contains(designator);
        if (is_there ? (flags & policy::open) == policy::absent : (flags & (policy::absent | policy::unused)) == 0)
            throw refused(designator, is_there ? "is there, and must not be" : "is missing");
    }

    // Whether it is used; throws if it must not be as it is.
    [[nodiscard]] bool use(Designator designator) const {
        const unsigned flags = request_.policy.flags_of(designator);
        const auto found = found_.find(designator);
        if (found == found_.end()) {
            if ((flags & policy::absent) == 0)
                throw refused(designator, "is missing");
            return false;
        }
        const Partition& one = found->second.partition;
        if ((flags & protection_of(designator, one)) == 0) {
            if ((flags & policy::unused) != 0)
                return false;
            throw refused(designator, (flags & policy::open) == policy::absent ? "is there, and must not be"
                                                                               : "is not protected as it must be");
        }
        const bool is_table_flagged = layout_.table == PartitionTable::gpt;
        if (is_table_flagged &&
            !flag_fits(one, partition_read_only, flags, policy::read_only_on, policy::read_only_off))
            throw refused(designator, "has not the read-only flag that it must have");
        if (is_table_flagged && !flag_fits(one, partition_grows, flags, policy::growfs_on, policy::growfs_off))
            throw refused(designator, "has not the growfs flag that it must have");
        if (one.filesystem != luks && is_mountable(one.filesystem) &&
            (flags & policy_of_filesystem(one.filesystem)) == 0)
            throw refused(designator, "holds " + one.filesystem + ", which the policy does not name");
        return true;
    }

    static bool flag_fits(const Partition& one, std::uint64_t attribute, unsigned flags, unsigned on, unsigned off) {
        return (flags & ((one.attributes & attribute) != 0 ? on : off)) != 0;
    }

    [[nodiscard]] Failure refused(Designator designator, const std::string& why) const {
        const auto found = found_.find(designator);
        const std::string what = found != found_.end()
                                     ? sentence_name(designator, found->second.partition)
                                     : "its " + std::string{name_of(designator_names, designator)} + " partition";
        return Failure{FailureKind::not_permitted, "use it by the image policy: " + what + " " + why}.try_instead(
            "another --image-policy");
    }

    [[nodiscard]] std::vector<std::filesystem::path> places_of(Designator designator) const {
        switch (designator) {
        case Designator::usr: return {"/usr"};
        case Designator::home: return {"/home"};
        case Designator::srv: return {"/srv"};
        case Designator::var: return {"/var"};
        case Designator::tmp: return {"/var/tmp"};
        case Designator::xbootldr: return {"/boot", "/efi"};
        case Designator::esp: return {"/efi", "/boot"};
        default: return {"/"};
        }
    }

    [[nodiscard]] DiskMount mount_of(Designator designator) const {
        const Partition& one = found_.at(designator).partition;
        DiskMount mount{.name = sentence_name(designator, one),
                        .places = places_of(designator),
                        .offset = one.offset,
                        .size = one.size,
                        .filesystem = one.filesystem};
        if (one.filesystem == luks) {
            mount.protection = DiskProtection::luks;
            mount.may_hold = filesystems_of(designator);
        } else if (const auto* wanted = verity_of(designator)) {
            mount.protection = DiskProtection::verity;
            mount.verity = verity_for(designator, *wanted, one);
        }
        if (one.filesystem.empty())
            throw Failure{FailureKind::invalid, "mount " + mount.name + ": there is no filesystem in it"};
        if (one.filesystem != luks && !is_mountable(one.filesystem))
            throw Failure{FailureKind::not_supported,
                          "mount " + mount.name + ": it holds '" + escaped_for_people(one.filesystem) +
                              "', and machines are made of btrfs, erofs, ext4, squashfs, vfat and xfs only"};
        const bool by_flag = layout_.table == PartitionTable::gpt;
        mount.read_only = (by_flag && (one.attributes & partition_read_only) != 0) ||
                          is_read_only_by_nature(one.filesystem) || mount.protection == DiskProtection::verity;
        mount.grows = !mount.read_only && by_flag && (one.attributes & partition_grows) != 0;
        return mount;
    }

    [[nodiscard]] std::vector<std::string> filesystems_of(Designator designator) const {
        const unsigned flags = request_.policy.flags_of(designator);
        std::vector<std::string> names;
        for (const std::string_view name : mountable)
            if ((flags & policy_of_filesystem(name)) != 0)
                names.emplace_back(name);
        return names;
    }

    // The first half of the hash is the id of the data, the second that of the tree.
    [[nodiscard]] DiskVerity verity_for(Designator designator, const VerityRequest& wanted,
                                        const Partition& data) const {
        DiskVerity verity{.root_hash = wanted.root_hash, .signature = wanted.signature, .tree_file = wanted.tree_file};
        if (!wanted.tree_file.empty())
            return verity;
        const std::string name{name_of(designator_names, designator)};
        const auto tree = found_.find(designator == Designator::usr ? Designator::usr_verity : Designator::root_verity);
        if (tree == found_.end())
            throw Failure{FailureKind::not_found, "verify its " + name + ": it has no partition with verity data"}
                .try_instead("--verity-data=PATH");
        const std::string& hash = wanted.root_hash;
        std::string ids;
        for (const char digit : data.id + tree->second.partition.id)
            if (digit != '-')
                ids += digit;
        if (hash.size() < 32 || ids != hash.substr(0, 32) + hash.substr(hash.size() - 32))
            throw Failure{FailureKind::not_permitted, "verify its " + name + ": the ids of the " + name +
                                                          " and of its verity data are not those of the root hash"};
        verity.tree_offset = tree->second.partition.offset;
        verity.tree_size = tree->second.partition.size;
        return verity;
    }

    [[nodiscard]] Failure no_root() const {
        switch (layout_.table) {
        case PartitionTable::none: break;
        case PartitionTable::gpt:
            return Failure{FailureKind::not_found,
                           "find its root: it has no partition of the type of a root or /usr, and "
                           "not one generic Linux partition"};
        case PartitionTable::mbr:
            return Failure{FailureKind::not_found,
                           "find its root: it has no Linux partition (type 83) that is marked as bootable"}
                .try_instead("sfdisk --activate");
        }
        return Failure{FailureKind::not_permitted, "find its root: the image policy uses nothing of it"};
    }

    const DiskLayout& layout_;
    const DiskRequest& request_;
    Candidates found_;
};

} // namespace

DiskSpec plan_disk(const DiskLayout& layout, const DiskRequest& request) {
    return Planner{layout, request}.plan();
}

std::optional<Partition> signature_partition(const DiskLayout& layout, const DiskRequest& request, Designator data) {
    return Planner{layout, request}.signature_of(data);
}

bool is_mountable(std::string_view filesystem) {
    return std::ranges::find(mountable, filesystem) != mountable.end();
}

} // namespace machinist
