// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/image_policy.hpp"

#include "base/text.hpp"

#include <array>
#include <utility>

namespace machinist {

namespace {

constexpr std::array<std::pair<std::string_view, unsigned>, 17> flag_names{{{"verity", policy::verity},
                                                                            {"signed", policy::signed_},
                                                                            {"encrypted", policy::encrypted},
                                                                            {"unprotected", policy::unprotected},
                                                                            {"unused", policy::unused},
                                                                            {"absent", policy::absent},
                                                                            {"read-only-off", policy::read_only_off},
                                                                            {"read-only-on", policy::read_only_on},
                                                                            {"growfs-off", policy::growfs_off},
                                                                            {"growfs-on", policy::growfs_on},
                                                                            {"btrfs", policy::btrfs},
                                                                            {"erofs", policy::erofs},
                                                                            {"ext4", policy::ext4},
                                                                            {"f2fs", policy::f2fs},
                                                                            {"squashfs", policy::squashfs},
                                                                            {"vfat", policy::vfat},
                                                                            {"xfs", policy::xfs}}};

constexpr unsigned read_only_flags = policy::read_only_off | policy::read_only_on;
constexpr unsigned growfs_flags = policy::growfs_off | policy::growfs_on;

unsigned filled_in(unsigned flags) {
    for (const unsigned group : {policy::open, read_only_flags, growfs_flags, policy::filesystems})
        if ((flags & group) == 0)
            flags |= group;
    return flags;
}

std::optional<unsigned> parse_flags(std::string_view text) {
    unsigned flags = 0;
    if (text.empty())
        return flags;
    for (const std::string_view word : split(text, '+')) {
        unsigned flag = word == "open" ? policy::open : word == "ignore" ? policy::ignore : 0;
        for (const auto& [name, value] : flag_names)
            if (name == word)
                flag = value;
        if (flag == 0)
            return std::nullopt;
        flags |= flag;
    }
    return flags;
}

std::string flags_text(unsigned flags) {
    std::string text;
    if ((flags & policy::open) == policy::open) {
        text = "open";
        flags &= ~policy::open;
    }
    // A group that is whole says nothing.
    for (const unsigned group : {read_only_flags, growfs_flags, policy::filesystems})
        if ((flags & group) == group)
            flags &= ~group;
    for (const auto& [name, value] : flag_names)
        if ((flags & value) != 0)
            text.append(text.empty() ? "" : "+").append(name);
    return text;
}

std::optional<Designator> data_of(Designator designator) {
    switch (designator) {
    case Designator::root_verity:
    case Designator::root_verity_sig: return Designator::root;
    case Designator::usr_verity:
    case Designator::usr_verity_sig: return Designator::usr;
    default: return std::nullopt;
    }
}

bool is_signature(Designator designator) {
    return designator == Designator::root_verity_sig || designator == Designator::usr_verity_sig;
}

// What a verity or signature partition may be follows from how the data must be protected.
unsigned derived(unsigned of_data, bool signature) {
    unsigned flags = 0;
    const unsigned protecting = signature ? policy::signed_ : policy::verity | policy::signed_;
    if ((of_data & protecting) != 0)
        flags |= policy::unprotected;
    if ((of_data & ~protecting & (policy::open & ~policy::absent)) != 0)
        flags |= policy::unused | policy::absent;
    if ((of_data & policy::absent) != 0)
        flags |= policy::absent;
    return flags;
}

} // namespace

std::optional<ImagePolicy> ImagePolicy::parse(std::string_view text) {
    ImagePolicy result;
    if (text == "*")
        result.default_ = policy::open;
    else if (text == "-")
        result.default_ = policy::ignore;
    else if (text == "~")
        result.default_ = policy::absent;
    else if (!text.empty())
        for (const std::string_view rule : split(text, ':')) {
            const std::size_t equals = rule.find('=');
            const auto flags = equals == std::string_view::npos ? std::nullopt : parse_flags(rule.substr(equals + 1));
            const std::string_view name = rule.substr(0, equals);
            const auto designator = value_named(designator_names, name);
            if (!flags || (!designator && !name.empty()))
                return std::nullopt;
            // Said twice is a slip that nobody should have to guess about.
            if (designator ? !result.rules_.emplace(*designator, *flags).second
                           : std::exchange(result.default_, flags).has_value())
                return std::nullopt;
        }
    return result;
}

ImagePolicy ImagePolicy::of_machines() {
    return *parse("root=verity+signed+encrypted+unprotected+absent:usr=verity+signed+encrypted+unprotected+absent:"
                  "home=encrypted+unprotected+absent:srv=encrypted+unprotected+absent:esp=unprotected+absent:"
                  "xbootldr=unprotected+absent:tmp=encrypted+unprotected+absent:var=encrypted+unprotected+absent");
}

unsigned ImagePolicy::flags_of(Designator designator) const {
    if (const auto rule = rules_.find(designator); rule != rules_.end())
        return filled_in(rule->second);
    if (const auto data = data_of(designator)) {
        const auto rule = rules_.find(*data);
        if (rule != rules_.end() || !default_)
            return filled_in(
                derived(rule == rules_.end() ? policy::ignore : filled_in(rule->second), is_signature(designator)));
    }
    return filled_in(default_.value_or(policy::ignore));
}

std::string ImagePolicy::text() const {
    if (rules_.empty() && default_) {
        if (*default_ == policy::open)
            return "*";
        if (*default_ == policy::ignore)
            return "-";
        if (*default_ == policy::absent)
            return "~";
    }
    std::string text;
    for (const auto& [designator, flags] : rules_)
        text.append(text.empty() ? "" : ":")
            .append(name_of(designator_names, designator))
            .append("=")
            .append(flags_text(flags));
    if (default_)
        text.append(text.empty() ? "" : ":").append("=").append(flags_text(*default_));
    return text;
}

unsigned policy_of_filesystem(std::string_view name) {
    for (const auto& [flag, value] : flag_names)
        if (flag == name)
            return value & policy::filesystems;
    return 0;
}

} // namespace machinist
