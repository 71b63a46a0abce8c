// SPDX-License-Identifier: LGPL-2.1-or-later
// What machinist-transfer is to do, as its command line says it.
#pragma once

#include "base/enum_names.hpp"
#include "spec/image_class.hpp"
#include "transfer/compression.hpp"
#include "transfer/verification.hpp"

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace machinist {

enum class TransferVerb : std::uint8_t {
    import_any,
    import_tar,
    import_raw,
    import_fs,
    export_tar,
    export_raw,
    pull_tar,
    pull_raw,
    pull_oci,
    export_oci
};
inline constexpr EnumNames<TransferVerb, 10> transfer_verb_names{{{TransferVerb::import_any, "import"},
                                                                  {TransferVerb::import_tar, "import-tar"},
                                                                  {TransferVerb::import_raw, "import-raw"},
                                                                  {TransferVerb::import_fs, "import-fs"},
                                                                  {TransferVerb::export_tar, "export-tar"},
                                                                  {TransferVerb::export_raw, "export-raw"},
                                                                  {TransferVerb::pull_tar, "pull-tar"},
                                                                  {TransferVerb::pull_raw, "pull-raw"},
                                                                  {TransferVerb::pull_oci, "pull-oci"},
                                                                  {TransferVerb::export_oci, "export-oci"}}};

struct TransferOrder {
    TransferVerb verb = TransferVerb::import_any;
    std::vector<std::string> words; // FILE [NAME], NAME [FILE] or URL [NAME]
    ImageClass image_class = ImageClass::machine;
    bool read_only = false;
    bool force = false;
    bool keep_download = false;
    Verify verify = Verify::signature;
    std::optional<Compression> format;
    std::filesystem::path image_root; // instead of the directory of the class
    std::vector<std::filesystem::path> keyrings;
    std::optional<unsigned> patience; // seconds without a byte
    bool may_be_file = false;         // of a URL
    bool plain_http = false;          // to a registry on another host
    std::string reference;            // which of several images of an archive
    bool quiet = false;
    bool json = false;
    std::filesystem::path job; // progress, result and messages are written beside it instead of told to people
};

// Throws Failure(usage or invalid).
TransferOrder parse_transfer_order(std::span<char*> arguments);

} // namespace machinist
