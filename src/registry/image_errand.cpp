// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/image_errand.hpp"

#include "kernel/files.hpp"

#include <fcntl.h>

namespace machinist {

PreparedEntry prepare_image_errand(const ImageErrand& errand, UniqueFd reply, const Places& places) {
    PreparedEntry prepared;
    // It enters nothing, so it need not be a copy that nobody can reach.
    prepared.program = open_path(places.image_program, O_RDONLY);
    const int number = prepared.hand_over(std::move(reply));
    prepared.arguments = {"machinist-image", std::to_string(number),
                          std::string{name_of(image_errand_names, errand.kind)}};
    prepared.arguments.insert(prepared.arguments.end(), errand.words.begin(), errand.words.end());
    return prepared;
}

} // namespace machinist
