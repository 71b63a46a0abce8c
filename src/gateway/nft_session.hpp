// SPDX-License-Identifier: LGPL-2.1-or-later
// nftables of this network namespace, by libnftables.
#pragma once

#include <memory>
#include <string>

struct nft_ctx;

namespace machinist {

// Opened at the first use. Who keeps it has answers sooner: when its socket is closed, the kernel waits for all that
// use old rules, some ten milliseconds.
class NftSession {
public:
    // All of text or nothing. Throws Failure with what the library said.
    void apply(const std::string& text);

    // What "list ruleset" gives as JSON. Throws Failure.
    std::string list_ruleset();

private:
    struct EndContext {
        void operator()(nft_ctx* context) const;
    };
    nft_ctx* opened();
    std::string run(const std::string& text, unsigned output_flags, const char* attempt);

    std::unique_ptr<nft_ctx, EndContext> context_;
};

} // namespace machinist
