// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/leftovers.hpp"

#include "image/base_store.hpp"
#include "image/set_aside.hpp"

namespace machinist {

namespace {

void delete_all(const Leftovers& leftovers, const std::function<void(const Failure&)>& told) {
    for (const auto& path : leftovers) {
        try {
            remove_set_aside(path);
        } catch (const Failure& failure) {
            told(failure);
        }
    }
}

} // namespace

void delete_leftovers(const PoolPlaces& places, const Leftovers& leftovers,
                      const std::function<void(const Failure&)>& told) {
    delete_all(leftovers, told);
    delete_all(collect_bases(places.bases, places.locks), told);
}

} // namespace machinist
