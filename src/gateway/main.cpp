// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist-gateway: sees to addresses, names and ports of machines in one network namespace of the host.
#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "gateway/gateway_facts.hpp"
#include "gateway/nft_ruleset.hpp"
#include "gateway/nft_session.hpp"
#include "gateway/serving.hpp"
#include "network/gateway_client.hpp"
#include "registry/errand_program.hpp"
#include "spec/port_forward.hpp"

#include <cstdio>
#include <string_view>
#include <utility>

namespace machinist {

namespace {

// For those who look for what drops a machine's packets: a line each, the link being the one that leads to it.
int print_dropping_chains(const char* link) {
    for (const DroppingChain& chain :
         dropping_chains(NftSession{}.list_ruleset(), nft_names_of_environment().table, link))
        std::printf("%s %s %s %s %s\n", chain.family.c_str(), chain.table.c_str(), chain.chain.c_str(),
                    chain.hook.c_str(), chain.accepts_link ? "accepts" : "drops");
    return 0;
}

void change_port(std::string_view what, std::string_view key, std::string_view text) {
    const auto port = parse_port_forward(text);
    if (!port || (what != "add-port" && what != "remove-port"))
        throw Failure{FailureKind::invalid, "'" + std::string{text} + "' is no port to forward"};
    GatewayClient gateway = GatewayClient::connect_or_start(own_path());
    what == "add-port" ? gateway.add_port(key, *port) : gateway.remove_port(key, *port);
}

constexpr std::pair<std::string_view, int (*)()> verbs[]{{"--serve", serve_machines},
                                                         {"--serve-apart", serve_apart},
                                                         {"--start", start_serving},
                                                         {"--collect", collect_leftovers}};

int run(int count, char** words) {
    const std::string_view first = count > 1 ? words[1] : "";
    for (const auto& [name, act] : verbs)
        if (first == name && count == 2)
            return act();
    if (first == "--dropping-chains" && count == 3)
        return print_dropping_chains(words[2]);
    // REPLY add-port|remove-port KEY PORT: for the service, which must not wait itself.
    if (const UniqueFd reply = count == 5 ? take_reply_descriptor(words[1]) : UniqueFd{})
        return answer_errand(reply, [&] { change_port(words[2], words[3], words[4]); });
    std::fputs("machinist-gateway is run by machinist; people use 'machinist'\n", stderr);
    return 2;
}

} // namespace

} // namespace machinist

int main(int count, char** words) {
    try {
        return machinist::run(count, words);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "machinist-gateway: %s\n", failure.what());
        return 1;
    }
}
