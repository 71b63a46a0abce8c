// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace machinist {

Failure::Failure(FailureKind kind, std::string sentence, int error_number)
    : kind_(kind), error_number_(error_number), sentence_(std::move(sentence)) {
    compose();
}

Failure& Failure::try_instead(std::string remedy) {
    if (remedy_.empty())
        remedy_ = std::move(remedy);
    compose();
    return *this;
}

void Failure::add_context(std::string_view doing) {
    context_.insert(0, std::string{doing} + ": ");
    compose();
}

const char* Failure::what() const noexcept {
    return whole_.c_str();
}

void Failure::compose() {
    whole_ = context_ + sentence_;
    if (error_number_ != 0)
        whole_.append(": ").append(strerrordesc_np(error_number_) ? strerrordesc_np(error_number_) : "unknown error");
    if (!remedy_.empty())
        whole_.append("; try ").append(remedy_);
}

// Fields end with a zero byte: none of them can hold one, since all are built from C strings and text.
std::string Failure::serialize() const {
    std::string bytes;
    for (const std::string& field :
         {std::to_string(static_cast<int>(kind_)), std::to_string(error_number_), context_, sentence_, remedy_}) {
        bytes.append(field.c_str());
        bytes.push_back('\0');
    }
    return bytes;
}

std::optional<Failure> Failure::deserialize(std::string_view bytes) {
    std::vector<std::string> fields;
    while (!bytes.empty()) {
        const auto end = bytes.find('\0');
        if (end == std::string_view::npos)
            return std::nullopt;
        fields.emplace_back(bytes.substr(0, end));
        bytes.remove_prefix(end + 1);
    }
    if (fields.size() != 5 || fields[0].empty() || fields[1].empty())
        return std::nullopt;
    const int kind = std::atoi(fields[0].c_str());
    if (kind < 0 || kind > static_cast<int>(FailureKind::internal))
        return std::nullopt;
    Failure failure{static_cast<FailureKind>(kind), fields[3], std::atoi(fields[1].c_str())};
    failure.context_ = fields[2];
    failure.remedy_ = fields[4];
    failure.compose();
    return failure;
}

namespace {

FailureKind kind_of(int error_number) {
    switch (error_number) {
    case ENOENT: return FailureKind::not_found;
    case EEXIST: return FailureKind::already_exists;
    case EBUSY: return FailureKind::busy;
    case EPERM:
    case EACCES: return FailureKind::not_permitted;
    case EOPNOTSUPP:
    case ENOSYS: return FailureKind::not_supported;
    case ETIMEDOUT: return FailureKind::timed_out;
    default: return FailureKind::system;
    }
}

} // namespace

Failure system_failure(std::string sentence) {
    return system_failure(std::move(sentence), errno);
}

Failure system_failure(std::string sentence, int error_number) {
    return Failure{kind_of(error_number), std::move(sentence), error_number};
}

int exit_status_for(const Failure& failure) {
    return failure.kind() == FailureKind::usage ? 2 : 1;
}

} // namespace machinist
