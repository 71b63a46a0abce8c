// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/nft_table.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"

#include <memory>
#include <nftables/libnftables.h>

namespace machinist {

namespace {

struct EndContext {
    void operator()(nft_ctx* context) const {
        ::nft_ctx_free(context);
    }
};

std::string run(const std::string& text, unsigned output_flags, const char* attempt) {
    const std::unique_ptr<nft_ctx, EndContext> context{::nft_ctx_new(NFT_CTX_DEFAULT)};
    if (!context)
        throw Failure{FailureKind::not_supported, std::string{attempt} + ": this kernel has no nftables"};
    ::nft_ctx_output_set_flags(context.get(), output_flags);
    ::nft_ctx_buffer_output(context.get());
    ::nft_ctx_buffer_error(context.get());
    if (::nft_run_cmd_from_buffer(context.get(), text.c_str()) != 0) {
        const char* why = ::nft_ctx_get_error_buffer(context.get());
        const auto first_line = split(why != nullptr ? why : "", '\n').front();
        throw Failure{FailureKind::system, std::string{attempt} + ": " + escaped_for_people(first_line)};
    }
    const char* output = ::nft_ctx_get_output_buffer(context.get());
    return output != nullptr ? output : "";
}

} // namespace

void apply_ruleset(const std::string& text) {
    (void)run(text, 0, "replace our rules of nftables");
}

std::string read_rulesets() {
    return run("list ruleset", NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_NUMERIC_PRIO, "list the rules of nftables");
}

} // namespace machinist
