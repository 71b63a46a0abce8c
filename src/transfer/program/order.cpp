// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/program/order.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"

#include <getopt.h>

namespace machinist {

namespace {

template <typename Enum, std::size_t Size>
Enum named(const EnumNames<Enum, Size>& names, const char* option, const char* value) {
    const auto found = value_named(names, value);
    if (!found)
        throw Failure{FailureKind::invalid,
                      std::string{option} + ": '" + escaped_for_people(value) + "' is none of " + listed(names)};
    return *found;
}

bool truth(const char* option, const char* value) {
    const auto found = parse_bool(value);
    if (!found)
        throw Failure{FailureKind::invalid,
                      std::string{option} + ": '" + escaped_for_people(value) + "' is neither yes nor no"};
    return *found;
}

} // namespace

TransferOrder parse_transfer_order(std::span<char*> arguments) {
    constexpr option options[] = {{"class", required_argument, nullptr, 'c'},
                                  {"read-only", no_argument, nullptr, 'r'},
                                  {"force", no_argument, nullptr, 'f'},
                                  {"keep-download", required_argument, nullptr, 'k'},
                                  {"verify", required_argument, nullptr, 'v'},
                                  {"format", required_argument, nullptr, 'F'},
                                  {"image-root", required_argument, nullptr, 'i'},
                                  {"keyring", required_argument, nullptr, 'K'},
                                  {"patience", required_argument, nullptr, 'p'},
                                  {"allow-files", no_argument, nullptr, 'a'},
                                  {"plain-http", no_argument, nullptr, 'P'},
                                  {"reference", required_argument, nullptr, 'R'},
                                  {"quiet", no_argument, nullptr, 'q'},
                                  {"json", no_argument, nullptr, 'j'},
                                  {"job", required_argument, nullptr, 'J'},
                                  {}};
    TransferOrder order;
    ::optind = 1;
    for (int found = 0;
         (found = ::getopt_long(static_cast<int>(arguments.size()), arguments.data(), "q", options, nullptr)) >= 0;) {
        switch (found) {
        case 'c': order.image_class = named(image_class_names, "--class", optarg); break;
        case 'r': order.read_only = true; break;
        case 'f': order.force = true; break;
        case 'k': order.keep_download = truth("--keep-download", optarg); break;
        case 'v': order.verify = named(verify_names, "--verify", optarg); break;
        case 'F': order.format = named(compression_names, "--format", optarg); break;
        case 'i': order.image_root = optarg; break;
        case 'K': order.keyrings.emplace_back(optarg); break;
        case 'p': order.patience = parse_integer<unsigned>(optarg); break;
        case 'a': order.may_be_file = true; break;
        case 'P': order.plain_http = true; break;
        case 'R': order.reference = optarg; break;
        case 'q': order.quiet = true; break;
        case 'j': order.json = true; break;
        case 'J': order.job = optarg; break;
        default: throw Failure{FailureKind::usage, "machinist-transfer is started by 'machinist'"};
        }
    }
    const auto words = arguments.subspan(static_cast<std::size_t>(::optind));
    if (words.empty())
        throw Failure{FailureKind::usage, "machinist-transfer is started by 'machinist'"};
    order.verb = named(transfer_verb_names, "machinist-transfer", words[0]);
    order.words.assign(words.begin() + 1, words.end());
    if (order.words.size() > 2)
        throw Failure{FailureKind::usage, "'" + std::string{words[0]} + "' takes two words at most"};
    return order;
}

} // namespace machinist
