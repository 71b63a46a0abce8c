// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/nft_session.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"

#include <nftables/libnftables.h>

namespace machinist {

void NftSession::EndContext::operator()(nft_ctx* context) const {
    ::nft_ctx_free(context);
}

nft_ctx* NftSession::opened() {
    if (!context_) {
        context_.reset(::nft_ctx_new(NFT_CTX_DEFAULT));
        if (!context_)
            throw Failure{FailureKind::not_supported, "this kernel has no nftables"};
        ::nft_ctx_buffer_output(context_.get());
        ::nft_ctx_buffer_error(context_.get());
    }
    return context_.get();
}

std::string NftSession::run(const std::string& text, unsigned output_flags, const char* attempt) {
    try {
        nft_ctx* context = opened();
        ::nft_ctx_output_set_flags(context, output_flags);
        const bool is_done = ::nft_run_cmd_from_buffer(context, text.c_str()) == 0;
        // Both are emptied by being read.
        const char* output = ::nft_ctx_get_output_buffer(context);
        const char* why = ::nft_ctx_get_error_buffer(context);
        if (!is_done)
            throw Failure{FailureKind::system, escaped_for_people(split(why != nullptr ? why : "", '\n').front())};
        return output != nullptr ? output : "";
    } catch (Failure& failure) {
        // What the library knows of the tables may be wrong by now.
        context_.reset();
        failure.add_context(attempt);
        throw;
    }
}

void NftSession::apply(const std::string& text) {
    (void)run(text, 0, "replace our rules of nftables");
}

std::string NftSession::list_ruleset() {
    return run("list ruleset", NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_NUMERIC_PRIO, "list the rules of nftables");
}

} // namespace machinist
