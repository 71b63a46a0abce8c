// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/clock_text.hpp"
#include "cli/control/image_verbs.hpp"
#include "cli/control/size_text.hpp"
#include "cli/control/table.hpp"
#include "image/pool.hpp"

namespace machinist {

namespace {

Cell moment(std::uint64_t microseconds) {
    return microseconds == 0 ? Cell{} : Cell{timestamp_text(microseconds)};
}

} // namespace

int list_images(const Invocation& call, const MachineStore&) {
    Table table{{"NAME", "TYPE", "RO", "USAGE", "CREATED", "MODIFIED"}};
    for (const PoolImage& image : Pool{pool_places_for(call.image_class)}.list()) {
        // The host is a machine, and no extension of itself.
        if ((image.name.starts_with('.') && !call.show_empty) ||
            (image.is_host() && call.image_class != ImageClass::machine))
            continue;
        table.add({image.name, std::string{name_of(image_type_names, image.type)}, image.read_only ? "yes" : "no",
                   image.usage ? size_text(*image.usage) : "", moment(image.created), moment(image.modified)},
                  {"", "", image.read_only ? "true" : "false", image.usage ? std::to_string(*image.usage) : "null",
                   std::to_string(image.created), std::to_string(image.modified)});
    }
    table.print(call, "images");
    return 0;
}

} // namespace machinist
