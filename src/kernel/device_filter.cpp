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
constexpr std::uint8_t scratch_register = BPF_REG_6;

bpf_insn instruction(int code, std::uint8_t to, std::uint8_t from, std::size_t offset, std::int32_t value) {
    bpf_insn result{};
    result.code = static_cast<std::uint8_t>(code);
    result.dst_reg = to & 0xf;
    result.src_reg = from & 0xf;
    result.off = static_cast<std::int16_t>(offset);
    result.imm = value;
    return result;
}

bpf_insn load(std::uint8_t to, std::size_t offset) {
    return instruction(BPF_LDX | BPF_MEM | BPF_W, to, BPF_REG_1, offset, 0);
}

bpf_insn compute(int operation, std::uint8_t to, std::int32_t value) {
    return instruction(BPF_ALU | BPF_K | operation, to, 0, 0, value);
}

bpf_insn copy(std::uint8_t to, std::uint8_t from) {
    return instruction(BPF_ALU | BPF_X | BPF_MOV, to, from, 0, 0);
}

bpf_insn leave() {
    return instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

std::vector<bpf_insn> program_for(std::span<const DeviceRule> allowed) {
    std::vector<bpf_insn> program{
        load(kind_register, offsetof(bpf_cgroup_dev_ctx, access_type)),
        copy(access_register, kind_register),
        compute(BPF_AND, kind_register, 0xffff),
        compute(BPF_RSH, access_register, 16),
        load(major_register, offsetof(bpf_cgroup_dev_ctx, major)),
        load(minor_register, offsetof(bpf_cgroup_dev_ctx, minor)),
    };
    for (const DeviceRule& rule : allowed) {
        const std::size_t first = program.size();
        std::vector<std::size_t> ways_out;
        const auto unless_equal = [&](std::uint8_t from, std::uint32_t value) {
            ways_out.push_back(program.size());
            program.push_back(instruction(BPF_JMP32 | BPF_K | BPF_JNE, from, 0, 0, static_cast<std::int32_t>(value)));
        };
        unless_equal(kind_register, rule.kind == DeviceKind::block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
        if (rule.major)
            unless_equal(major_register, *rule.major);
        if (rule.minor)
            unless_equal(minor_register, *rule.minor);
        if (rule.access != device_all) {
            program.push_back(copy(scratch_register, access_register));
            program.push_back(compute(BPF_AND, scratch_register, device_all & ~rule.access));
            unless_equal(scratch_register, 0);
        }
        program.push_back(compute(BPF_MOV, BPF_REG_0, 1));
        program.push_back(leave());
        if (program.size() - first > 64)
            throw Failure{FailureKind::internal, "a device rule became too long"};
        for (const std::size_t jump : ways_out)
            program[jump].off = static_cast<std::int16_t>(program.size() - jump - 1);
    }
    program.push_back(compute(BPF_MOV, BPF_REG_0, 0));
    program.push_back(leave());
    return program;
}

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
    std::strcpy(attributes.prog_name, "machine_devices");
    UniqueFd loaded{bpf(BPF_PROG_LOAD, attributes)};
    if (!loaded)
        throw system_failure("load the device policy");
    return loaded;
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
        character(5, 1),              // console
        character(5, 2),              // ptmx
        character(136, std::nullopt), // pts/*
        character(10, 200),           // net/tun
        character(10, 229),           // fuse
    };
}

void attach_device_filter(BorrowedFd cgroup, std::span<const DeviceRule> allowed) {
    const UniqueFd program = load_program(program_for(allowed));
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = static_cast<std::uint32_t>(cgroup.get());
    attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
    attributes.attach_type = BPF_CGROUP_DEVICE;
    // Beside a policy that the service manager attached to this very cgroup, which holds as well.
    attributes.attach_flags = BPF_F_ALLOW_MULTI;
    if (bpf(BPF_PROG_ATTACH, attributes) < 0)
        throw system_failure("attach the device policy to the cgroup");
}

} // namespace machinist
