// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/sha256.hpp"

#include "base/failure.hpp"

#include <array>
#include <openssl/evp.h>

namespace machinist {

struct Sha256::Context {
    EVP_MD_CTX* digest = ::EVP_MD_CTX_new();
};

void Sha256::Free::operator()(Context* context) const {
    ::EVP_MD_CTX_free(context->digest);
    delete context;
}

Sha256::Sha256() : context_(new Context) {
    if (::EVP_DigestInit_ex(context_->digest, ::EVP_sha256(), nullptr) != 1)
        throw Failure{FailureKind::internal, "start SHA-256"};
}

void Sha256::add(Bytes bytes) {
    if (::EVP_DigestUpdate(context_->digest, bytes.data(), bytes.size()) != 1)
        throw Failure{FailureKind::internal, "compute SHA-256"};
}

std::string Sha256::finish() {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    if (::EVP_DigestFinal_ex(context_->digest, bytes.data(), &size) != 1)
        throw Failure{FailureKind::internal, "compute SHA-256"};
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (unsigned at = 0; at < size; ++at)
        text.append(1, digits[bytes[at] >> 4]).append(1, digits[bytes[at] & 15]);
    return text;
}

} // namespace machinist
