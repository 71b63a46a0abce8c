// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/known_images.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "bus/log.hpp"
#include "daemon/object_paths.hpp"

#include <cerrno>

namespace machinist {

namespace {

constexpr const char* image_interface = "org.freedesktop.machine1.Image";

void told(int result) {
    if (result < 0 && result != -ENOTCONN)
        log_warning("the bus was not told of an image");
}

} // namespace

void KnownImages::forget_soon() {
    if (!forget_)
        forget_ = loop_.soon([this] {
            all_.reset();
            found_.clear();
            forget_ = {};
        });
}

const PoolImage* KnownImages::find(std::string_view name) {
    if (all_) {
        const auto listed = all_->find(name);
        return listed == all_->end() ? nullptr : &listed->second;
    }
    auto known = found_.find(name);
    if (known == found_.end()) {
        known = found_.emplace(name, pool_.find(name)).first;
        forget_soon();
    }
    return known->second ? &*known->second : nullptr;
}

const PoolImage& KnownImages::get(std::string_view name) {
    const PoolImage* image = find(name);
    if (image == nullptr)
        throw Failure{FailureKind::no_image, "No image '" + escaped_for_people(name.substr(0, 256)) + "' known"};
    return *image;
}

const KnownImages::Images& KnownImages::all() {
    if (!all_) {
        Images images;
        for (PoolImage& image : pool_.list()) {
            std::string name = image.name;
            images.emplace(std::move(name), std::move(image));
        }
        all_ = std::move(images);
        forget_soon();
    }
    return *all_;
}

KnownImages::States KnownImages::states_of(const std::vector<std::string>& names) {
    States states;
    for (const std::string& name : names)
        states.emplace_back(name, pool_.find(name));
    return states;
}

void KnownImages::announce_changes(const States& before) {
    all_.reset();
    found_.clear();
    for (const auto& [name, old] : before) {
        const std::string path = path_of_image(name);
        const PoolImage* now = find(name);
        if (!old && now != nullptr) {
            told(sd_bus_emit_object_added(bus_, path.c_str()));
        } else if (old && now == nullptr) {
            told(
                sd_bus_emit_interfaces_removed(bus_, path.c_str(), image_interface, static_cast<const char*>(nullptr)));
        } else if (old && now != nullptr) {
            if (old->read_only != now->read_only)
                told(sd_bus_emit_properties_changed(bus_, path.c_str(), image_interface, "ReadOnly",
                                                    static_cast<const char*>(nullptr)));
            if (old->limit != now->limit || old->limit_exclusive != now->limit_exclusive)
                told(sd_bus_emit_properties_changed(bus_, path.c_str(), image_interface, "Limit", "LimitExclusive",
                                                    static_cast<const char*>(nullptr)));
        }
    }
}

} // namespace machinist
