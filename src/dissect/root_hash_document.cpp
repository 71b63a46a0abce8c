// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dissect/root_hash_document.hpp"

#include "base/base64.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <map>
#include <string>
#include <unistd.h>

#define JSON_NO_IO
#include <nlohmann/json.hpp>

namespace machinist::dissect {

namespace {

using Json = nlohmann::json;

constexpr int deepest_nesting = 8;
constexpr std::size_t digits_of_a_fingerprint = 64;

Failure refused(const std::string& why) {
    return Failure{FailureKind::hostile, "read its signature partition: " + why};
}

// Keeps the texts of the outermost object. No tree is made of what has no meaning here.
class TextMembers : public nlohmann::json_sax<Json> {
public:
    std::map<std::string, std::string> texts;
    std::string why = "it holds no JSON object";

    bool key(string_t& name) override {
        if (depth_ == 1 && !names_.emplace(name, true).second)
            return refuse("it has two members '" + escaped_for_people(name.substr(0, 64)) + "'");
        if (depth_ == 1)
            name_ = name;
        return true;
    }
    bool string(string_t& value) override {
        if (depth_ == 1)
            texts.insert_or_assign(name_, value);
        return depth_ > 0;
    }
    bool start_object(std::size_t /*count*/) override {
        return enter();
    }
    bool end_object() override {
        --depth_;
        return true;
    }
    bool start_array(std::size_t /*count*/) override {
        return depth_ > 0 && enter();
    }
    bool end_array() override {
        --depth_;
        return true;
    }
    bool null() override {
        return depth_ > 0;
    }
    bool boolean(bool /*value*/) override {
        return depth_ > 0;
    }
    bool number_integer(number_integer_t /*value*/) override {
        return depth_ > 0;
    }
    bool number_unsigned(number_unsigned_t /*value*/) override {
        return depth_ > 0;
    }
    bool number_float(number_float_t /*value*/, const string_t& /*text*/) override {
        return depth_ > 0;
    }
    bool binary(binary_t& /*value*/) override {
        return false;
    }
    bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                     const nlohmann::detail::exception& /*what*/) override {
        return refuse("it holds no JSON");
    }

private:
    bool enter() {
        return ++depth_ <= deepest_nesting || refuse("its JSON is nested too deeply");
    }
    bool refuse(std::string reason) {
        why = std::move(reason);
        return false;
    }

    int depth_ = 0;
    std::string name_;
    std::map<std::string, bool> names_;
};

bool is_hexadecimal(std::string_view text) {
    return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

} // namespace

SignedHash parse_root_hash_document(std::string_view text) {
    TextMembers members;
    if (!Json::sax_parse(text.begin(), text.end(), &members))
        throw refused(members.why);
    SignedHash found{.root_hash = lower_case(members.texts["rootHash"])};
    if (!is_root_hash(found.root_hash))
        throw refused("its 'rootHash' is no root hash");
    auto signature = from_base64(members.texts["signature"]);
    if (!signature || signature->empty() || signature->size() > longest_root_hash_signature)
        throw refused("its 'signature' is no signature");
    found.signature = std::move(*signature);
    // Which certificate it is the kernel finds in the signature itself.
    if (const auto fingerprint = members.texts.find("certificateFingerprint"); fingerprint != members.texts.end())
        if (fingerprint->second.size() != digits_of_a_fingerprint || !is_hexadecimal(lower_case(fingerprint->second)))
            throw refused("its 'certificateFingerprint' is none");
    return found;
}

std::optional<SignedHash> read_root_hash(const Disk& disk, std::uint64_t offset, std::uint64_t size) {
    if (offset > disk.size || size > disk.size - offset)
        throw refused("it does not lie within the disk");
    if (size > largest_signature_partition)
        throw refused("it has " + std::to_string(size) + " bytes, more than " +
                      std::to_string(largest_signature_partition));
    std::string bytes(size, '\0');
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t count =
            ::pread(disk.descriptor.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
        if (count <= 0)
            throw system_failure("read its signature partition", count == 0 ? ENODATA : errno);
        done += static_cast<std::size_t>(count);
    }
    const std::string_view text = std::string_view{bytes}.substr(0, bytes.find('\0'));
    if (bytes.find_first_not_of('\0', text.size()) != std::string::npos)
        throw refused("something stands behind its end");
    if (text.empty())
        return std::nullopt;
    return parse_root_hash_document(text);
}

} // namespace machinist::dissect
