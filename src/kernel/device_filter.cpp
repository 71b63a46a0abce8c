// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/device_filter.hpp"

#include "base/failure.hpp"

#include <cstddef>
#include <cstring>
#include <linux/bpf.h>
#include <sys/syscall.h>

namespace machinist {
namespace {

static_assert(device_mknod == BPF_DEVCG_ACC_MKNOD && device_read == BPF_DEVCG_ACC_READ &&
              device_write == BPF_DEVCG_ACC_WRITE);

constexpr std::uint8_t kind_register = BPF_REG_2;
constexpr std::uint8_t access_register = BPF_REG_3;
constexpr std::uint8_t major_register = BPF_REG_4;
constexpr std::uint8_t minor_register = BPF_REG_5;
// Both numbers in one, as the kernel keeps them: one comparison a rule. Most of what loading costs is the kernel
// following the branches.
constexpr std::uint8_t number_register = BPF_REG_6;
constexpr std::uint8_t scratch_register = BPF_REG_7;

constexpr const char* program_name = "machine_devices"; // as much as the kernel keeps
constexpr std::uint32_t minor_bits = 20;
constexpr std::uint32_t highest_major = 0xfff;
constexpr std::uint32_t highest_minor = 0xfffff;

bpf_insn instruction(int code, std::uint8_t to, std::uint8_t from, std::size_t offset, std::uint32_t value) {
    bpf_insn result{};
    result.code = static_cast<std::uint8_t>(code);
    result.dst_reg = to & 0xf;
    result.src_reg = from & 0xf;
    result.off = static_cast<std::int16_t>(offset);
    result.imm = static_cast<std::int32_t>(value);
    return result;
}

bpf_insn load(std::uint8_t to, std::size_t offset) {
    return instruction(BPF_LDX | BPF_MEM | BPF_W, to, BPF_REG_1, offset, 0);
}

bpf_insn compute(int operation, std::uint8_t to, std::uint32_t value) {
    return instruction(BPF_ALU | BPF_K | operation, to, 0, 0, value);
}

bpf_insn compute_with(int operation, std::uint8_t to, std::uint8_t from) {
    return instruction(BPF_ALU | BPF_X | operation, to, from, 0, 0);
}

bpf_insn leave() {
    return instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

class PolicyProgram {
public:
    explicit PolicyProgram(std::span<const DeviceRule> allowed) {
        program_ = {
            load(kind_register, offsetof(bpf_cgroup_dev_ctx, access_type)),
            compute_with(BPF_MOV, access_register, kind_register),
            compute(BPF_AND, kind_register, 0xffff),
            compute(BPF_RSH, access_register, 16),
            load(major_register, offsetof(bpf_cgroup_dev_ctx, major)),
            load(minor_register, offsetof(bpf_cgroup_dev_ctx, minor)),
            compute_with(BPF_MOV, number_register, major_register),
            compute(BPF_LSH, number_register, minor_bits),
            compute_with(BPF_OR, number_register, minor_register),
        };
        add_kind(allowed, DeviceKind::character, BPF_DEVCG_DEV_CHAR);
        add_kind(allowed, DeviceKind::block, BPF_DEVCG_DEV_BLOCK);
        program_.push_back(compute(BPF_MOV, BPF_REG_0, 0));
        program_.push_back(leave());
        // The kernel refuses programs with parts that cannot be reached.
        if (jumps_to_allow_.empty())
            return;
        for (const std::size_t jump : jumps_to_allow_)
            aim(jump);
        program_.push_back(compute(BPF_MOV, BPF_REG_0, 1));
        program_.push_back(leave());
    }

    [[nodiscard]] const std::vector<bpf_insn>& instructions() const {
        return program_;
    }

private:
    void add_kind(std::span<const DeviceRule> allowed, DeviceKind kind, std::uint32_t kernel_kind) {
        const std::size_t other_kind = jump_if(BPF_JNE, kind_register, kernel_kind);
        for (const DeviceRule& rule : allowed)
            if (rule.kind == kind && rule.major.value_or(0) <= highest_major && rule.minor.value_or(0) <= highest_minor)
                add(rule);
        aim(other_kind);
    }

    void add(const DeviceRule& rule) {
        std::optional<std::size_t> other_access;
        if (rule.access != device_all) {
            program_.push_back(compute_with(BPF_MOV, scratch_register, access_register));
            program_.push_back(compute(BPF_AND, scratch_register, device_all & ~std::uint32_t{rule.access}));
            other_access = jump_if(BPF_JNE, scratch_register, 0);
        }
        if (rule.major && rule.minor)
            jumps_to_allow_.push_back(jump_if(BPF_JEQ, number_register, *rule.major << minor_bits | *rule.minor));
        else if (rule.major)
            jumps_to_allow_.push_back(jump_if(BPF_JEQ, major_register, *rule.major));
        else if (rule.minor)
            jumps_to_allow_.push_back(jump_if(BPF_JEQ, minor_register, *rule.minor));
        else
            jumps_to_allow_.push_back(jump_if(BPF_JGE, number_register, 0));
        if (other_access)
            aim(*other_access);
    }

    std::size_t jump_if(int condition, std::uint8_t left, std::uint32_t right) {
        program_.push_back(instruction(BPF_JMP32 | BPF_K | condition, left, 0, 0, right));
        return program_.size() - 1;
    }
    // To what is added next.
    void aim(std::size_t jump) {
        program_[jump].off = static_cast<std::int16_t>(program_.size() - jump - 1);
    }

    std::vector<bpf_insn> program_;
    std::vector<std::size_t> jumps_to_allow_;
};

int bpf(bpf_cmd command, bpf_attr& attributes) {
    return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

UniqueFd load_program(const std::vector<bpf_insn>& program) {
    static constexpr char license[] = "GPL";
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = reinterpret_cast<std::uintptr_t>(program.data());
    attributes.insn_cnt = static_cast<std::uint32_t>(program.size());
    attributes.license = reinterpret_cast<std::uintptr_t>(license);
    std::strcpy(attributes.prog_name, program_name);
    UniqueFd loaded{bpf(BPF_PROG_LOAD, attributes)};
    if (!loaded)
        throw system_failure("load the device policy");
    return loaded;
}

UniqueFd load_policy(std::span<const DeviceRule> allowed) {
    // Jumps reach 32767 instructions; a rule takes four.
    if (allowed.size() > 4096)
        throw Failure{FailureKind::invalid, "a device policy of more than 4096 rules"};
    return load_program(PolicyProgram{allowed}.instructions());
}

void attach(BorrowedFd cgroup, BorrowedFd program, const BorrowedFd* replaced) {
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = static_cast<std::uint32_t>(cgroup.get());
    attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    // Beside a policy that the service manager attached to this very cgroup, which holds as well.
    attributes.attach_flags = BPF_F_ALLOW_MULTI;
    if (replaced != nullptr) {
        attributes.attach_flags |= BPF_F_REPLACE;
        attributes.replace_bpf_fd = static_cast<std::uint32_t>(replaced->get());
    }
    if (bpf(BPF_PROG_ATTACH, attributes) < 0)
        throw system_failure("attach the device policy to the cgroup");
}

std::vector<std::uint32_t> programs_of(BorrowedFd cgroup) {
    std::vector<std::uint32_t> numbers(64); // as many as the kernel lets be attached to one cgroup
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.query.target_fd = static_cast<std::uint32_t>(cgroup.get());
    attributes.query.attach_type = BPF_CGROUP_DEVICE;
    attributes.query.prog_ids = reinterpret_cast<std::uintptr_t>(numbers.data());
    attributes.query.prog_cnt = static_cast<std::uint32_t>(numbers.size());
    if (bpf(BPF_PROG_QUERY, attributes) < 0)
        throw system_failure("look for the device policy of the cgroup");
    numbers.resize(attributes.query.prog_cnt);
    return numbers;
}

UniqueFd open_program(std::uint32_t number) {
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.prog_id = number;
    UniqueFd program{bpf(BPF_PROG_GET_FD_BY_ID, attributes)};
    if (!program)
        throw system_failure("open the device policy of the cgroup");
    return program;
}

// Others' programs have other names.
UniqueFd find_own_program(BorrowedFd cgroup) {
    for (const std::uint32_t number : programs_of(cgroup)) {
        UniqueFd program = open_program(number);
        bpf_prog_info info;
        std::memset(&info, 0, sizeof info);
        bpf_attr attributes;
        std::memset(&attributes, 0, sizeof attributes);
        attributes.info.bpf_fd = static_cast<std::uint32_t>(program.get());
        attributes.info.info_len = sizeof info;
        attributes.info.info = reinterpret_cast<std::uintptr_t>(&info);
        if (bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) < 0)
            throw system_failure("look at the device policy of the cgroup");
        if (std::strcmp(info.name, program_name) == 0)
            return program;
    }
    return {};
}

} // namespace

std::vector<DeviceRule> closed_device_list() {
    const auto character = [](std::uint32_t major, std::optional<std::uint32_t> minor) {
        return DeviceRule{DeviceKind::character, major, minor, device_all};
    };
    return {
        character(1, 3),              // null
        character(1, 5),              // zero
        character(1, 7),              // full
        character(1, 8),              // random
        character(1, 9),              // urandom
        character(5, 0),              // tty
        character(5, 2),              // ptmx
        character(136, std::nullopt), // pts/*
        character(10, 200),           // net/tun
        character(10, 229),           // fuse
    };
}

void attach_device_filter(BorrowedFd cgroup, std::span<const DeviceRule> allowed) {
    attach(cgroup, load_policy(allowed), nullptr);
}

void replace_device_filter(BorrowedFd cgroup, std::span<const DeviceRule> allowed) {
    const UniqueFd program = load_policy(allowed);
    const UniqueFd former = find_own_program(cgroup);
    if (!former)
        throw Failure{FailureKind::not_found, "replace the device policy of the cgroup: it has none of ours"};
    const BorrowedFd replaced = former;
    attach(cgroup, program, &replaced);
}

} // namespace machinist
