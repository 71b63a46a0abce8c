// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/device_mapper.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "kernel/random_suffix.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>

namespace machinist {

namespace {

constexpr std::uint64_t sector = 512;
constexpr std::string_view own_prefix = "machinist-";

UniqueFd open_control() {
    UniqueFd control{::open("/dev/mapper/control", O_RDWR | O_CLOEXEC)};
    if (control)
        return control;
    if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
        throw Failure{FailureKind::not_supported, "open '/dev/mapper/control': this kernel has no device mapper"};
    throw system_failure("open '/dev/mapper/control'");
}

// One request on one device, with room for what follows it.
class Request {
public:
    Request(const std::string& name, unsigned flags, const MappedTarget* target = nullptr) {
        bytes_.resize(sizeof(dm_ioctl) +
                      (target ? sizeof(dm_target_spec) + (target->parameters.size() + 8) / 8 * 8 : std::size_t{0}));
        dm_ioctl& head = this->head();
        head.version[0] = DM_VERSION_MAJOR;
        head.data_size = static_cast<std::uint32_t>(bytes_.size());
        head.data_start = sizeof(dm_ioctl);
        head.flags = flags;
        name.copy(head.name, sizeof head.name - 1);
        if (!target)
            return;
        head.target_count = 1;
        dm_target_spec spec{};
        spec.length = target->size / sector;
        target->type.copy(spec.target_type, sizeof spec.target_type - 1);
        std::memcpy(bytes_.data() + sizeof(dm_ioctl), &spec, sizeof spec);
        target->parameters.copy(bytes_.data() + sizeof(dm_ioctl) + sizeof spec, target->parameters.size());
    }
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    // Keys are among the parameters.
    ~Request() {
        ::explicit_bzero(bytes_.data(), bytes_.size());
    }

    dm_ioctl& head() {
        return *reinterpret_cast<dm_ioctl*>(bytes_.data());
    }
    [[nodiscard]] bool send(BorrowedFd control, unsigned long what) {
        return ::ioctl(control.get(), what, bytes_.data()) == 0;
    }

private:
    std::vector<char> bytes_;
};

// The kernel makes the node of a new device in devtmpfs at once, others take a moment.
UniqueFd open_node(const std::string& path, std::uint64_t number, bool read_only) {
    for (int attempt = 0;; ++attempt) {
        UniqueFd device{::open(path.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
        if (device) {
            const struct stat status = status_of(device);
            if (!S_ISBLK(status.st_mode) || status.st_rdev != number)
                throw Failure{FailureKind::hostile, "open '" + path + "': it is another device"};
            return device;
        }
        constexpr int most_attempts = 100;
        if (errno != ENOENT || attempt == most_attempts)
            throw system_failure("open '" + path + "'").try_instead("mounting a devtmpfs on /dev");
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
}

} // namespace

void require_device_mapper() {
    (void)open_control();
}

MappedDevice map_device(const MappedTarget& target) {
    return doing("set up a device of the kind '" + target.type + "'", [&] {
        const UniqueFd control = open_control();
        // Whoever finds one that nobody uses knows by the number whether somebody is still at it.
        const std::string name = std::string{own_prefix} + std::to_string(::getpid()) + "-" + random_suffix();
        Request create{name, 0};
        // udev looks for nothing on devices of this kind.
        ("CRYPT-TEMP-" + name).copy(create.head().uuid, sizeof create.head().uuid - 1);
        if (!create.send(control, DM_DEV_CREATE))
            throw system_failure("make a device");
        ScopeExit remove{[&] {
            Request request{name, 0};
            (void)request.send(control, DM_DEV_REMOVE);
        }};
        const std::uint64_t number = create.head().dev;
        Request load{name, DM_SECURE_DATA_FLAG | (target.read_only ? DM_READONLY_FLAG : 0U), &target};
        if (!load.send(control, DM_TABLE_LOAD))
            throw system_failure("load its table");
        Request resume{name, 0};
        if (!resume.send(control, DM_DEV_SUSPEND))
            throw system_failure("start it");
        MappedDevice device{{}, "/dev/dm-" + std::to_string(minor(number))};
        device.descriptor = open_node(device.path, number, target.read_only);
        // It is open, so this takes effect when it is no more: whoever is killed from here on leaves no device.
        Request later{name, DM_DEFERRED_REMOVE};
        if (!later.send(control, DM_DEV_REMOVE))
            throw system_failure("have it removed with its last user");
        remove.release();
        return device;
    });
}

std::string device_number(BorrowedFd device) {
    const struct stat status = status_of(device);
    return std::to_string(major(status.st_rdev)) + ":" + std::to_string(minor(status.st_rdev));
}

std::vector<std::string> abandoned_mappings() {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator{"/sys/block", ignored}) {
        if (!entry.path().filename().string().starts_with("dm-"))
            continue;
        const std::string text = read_file_if_exists(entry.path() / "dm/name").value_or("");
        const std::string name{trimmed(text)};
        if (!name.starts_with(own_prefix))
            continue;
        const std::string_view rest = std::string_view{name}.substr(own_prefix.size());
        const auto maker = parse_integer<pid_t>(rest.substr(0, rest.find('-')));
        if (maker && ::kill(*maker, 0) < 0 && errno == ESRCH)
            names.push_back(name);
    }
    // What is used is no remnant: it goes with its user.
    const auto is_used = [](const std::string& name) {
        const UniqueFd control = open_control();
        Request status{name, 0};
        return !status.send(control, DM_DEV_STATUS) || status.head().open_count > 0;
    };
    std::erase_if(names, is_used);
    return names;
}

void remove_mapping(const std::string& name) {
    const UniqueFd control = open_control();
    Request request{name, 0};
    if (!request.send(control, DM_DEV_REMOVE) && errno != ENXIO && errno != EBUSY)
        throw system_failure("remove device '" + name + "' of the device mapper");
}

} // namespace machinist
