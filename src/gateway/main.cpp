// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist-gateway: sees to addresses, names and ports of machines in one network namespace of the host.
#include "base/failure.hpp"
#include "gateway/nft_table.hpp"
#include "gateway/serving.hpp"

#include <cstdio>
#include <string_view>
#include <utility>

namespace {

int print_rulesets() {
    const std::string json = machinist::read_rulesets();
    std::fputs(json.c_str(), stdout);
    return 0;
}

constexpr std::pair<std::string_view, int (*)()> verbs[]{{"--serve", machinist::serve_machines},
                                                         {"--serve-apart", machinist::serve_apart},
                                                         {"--start", machinist::start_serving},
                                                         {"--collect", machinist::collect_leftovers},
                                                         {"--rulesets", print_rulesets}};

} // namespace

int main(int count, char** arguments) {
    const std::string_view word = count > 1 ? arguments[1] : "";
    try {
        for (const auto& [name, run] : verbs)
            if (word == name)
                return run();
        std::fputs("machinist-gateway: it is started by machinist, with --serve, --start, --collect or --rulesets\n",
                   stderr);
        return 2;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "machinist-gateway: %s\n", failure.what());
        return 1;
    }
}
