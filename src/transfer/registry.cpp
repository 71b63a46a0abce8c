// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/registry.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "oci/registry_documents.hpp"
#include "transfer/fetch.hpp"
#include "transfer/sha256.hpp"

#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace machinist {

namespace {

using namespace oci;

constexpr int deepest_index = 4;
constexpr std::size_t largest_credential_file = std::size_t{1} << 20;
// The first is asked for first; all others are of before there was a standard.
constexpr const char* manifest_types =
    "Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

std::string digest_of(std::string_view text) {
    Sha256 sum;
    sum.add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    return "sha256:" + sum.finish();
}

std::string digest_of_file(BorrowedFd file) {
    Sha256 sum;
    std::vector<std::uint8_t> buffer(std::size_t{1} << 20);
    for (off_t at = 0;;) {
        const ssize_t count = ::pread(file.get(), buffer.data(), buffer.size(), at);
        if (count < 0)
            throw system_failure("read what was fetched");
        if (count == 0)
            return "sha256:" + sum.finish();
        sum.add(Bytes{buffer}.first(static_cast<std::size_t>(count)));
        at += count;
    }
}

class Registry : public std::enable_shared_from_this<Registry> {
public:
    Registry(Reference reference, RegistryOptions options)
        : reference_(std::move(reference)), options_(std::move(options)) {
        is_plain_ = reference_.is_on_this_host() || options_.may_be_plain;
    }

    SourcedImage find(ProgressMeter& meter) {
        meter.begin("asking the registry");
        auto read = read_index_or_manifest(first_manifest(meter));
        for (int depth = 0; const auto* index = std::get_if<Index>(&read); ++depth) {
            if (depth == deepest_index)
                throw Failure{FailureKind::hostile, "lists of manifests lead to each other"};
            const Descriptor chosen = choose_manifest(*index, "");
            read = read_index_or_manifest(document(chosen, "manifests", meter));
        }
        const Manifest& manifest = std::get<Manifest>(read);
        SourcedImage image{read_image_config(document(manifest.config, "blobs", meter)), {}};
        if (image.config.layers.size() != manifest.layers.size())
            throw Failure{FailureKind::hostile, "its manifest and its configuration have not the same layers"};
        for (std::size_t number = 0; number < manifest.layers.size(); ++number) {
            const Descriptor& blob = manifest.layers[number];
            image.layers.push_back(
                {image.config.layers[number], blob.digest, blob.size,
                 [self = shared_from_this(), blob](ProgressMeter& layer_meter, const std::string& label) {
                     return self->fetch_layer(blob, label, layer_meter);
                 }});
        }
        return image;
    }

private:
    [[nodiscard]] std::string url(const char* kind, const std::string& what) const {
        return std::string{is_plain_ ? "http" : "https"} + "://" + reference_.registry + "/v2/" + reference_.name +
               "/" + kind + "/" + what;
    }

    // With the rights that we have, or get when we are told which are missing.
    Fetched get(FetchRequest request, BorrowedFd into, ProgressMeter& meter) {
        request.patience = options_.patience;
        request.may_be_refused = true;
        const std::vector<std::string> headers = request.headers;
        for (bool has_asked = false;; has_asked = true) {
            request.headers = headers;
            if (!authorization_.empty())
                request.headers.push_back("Authorization: " + authorization_);
            Fetched fetched = fetch(request, into, meter);
            if (!fetched.challenge)
                return fetched;
            if (has_asked)
                throw no_right();
            authorize(*fetched.challenge, meter);
        }
    }

    [[nodiscard]] Failure no_right() const {
        return Failure{FailureKind::not_permitted,
                       "registry '" + reference_.registry + "' gives no right to '" + reference_.name + "'"}
            .try_instead("'podman login' or 'docker login' for it");
    }

    void authorize(const std::string& header, ProgressMeter& meter) {
        const auto challenge = Challenge::parse(header);
        if (!challenge)
            throw Failure{FailureKind::not_supported,
                          "registry '" + reference_.registry + "' wants a proof of rights that is not known"};
        const auto secret = credentials();
        if (!challenge->wants_token) {
            authorization_ = secret ? "Basic " + *secret : "";
            return;
        }
        Challenge asked = *challenge;
        if (asked.scope.empty())
            asked.scope = "repository:" + reference_.name + ":pull";
        FetchRequest request{.url = asked.token_url(), .patience = options_.patience, .may_be_refused = true};
        // Credentials go to nobody in the clear, whatever a registry says.
        const std::string_view rest = std::string_view{request.url}.starts_with("http://")
                                          ? std::string_view{request.url}.substr(7)
                                          : std::string_view{};
        if (!request.url.starts_with("https://") && !(is_plain_ && is_loopback(rest.substr(0, rest.find('/')))) &&
            !(options_.may_be_plain && request.url.starts_with("http://")))
            throw Failure{FailureKind::hostile,
                          "registry '" + reference_.registry + "' sends to a token service that is not https"};
        if (secret)
            request.headers.push_back("Authorization: Basic " + *secret);
        const auto answer = fetch_text(std::move(request), meter);
        if (!answer)
            throw no_right();
        authorization_ = "Bearer " + read_token(*answer);
    }

    [[nodiscard]] std::optional<std::string> credentials() const {
        for (const auto& path : options_.credentials) {
            const auto file = open_path_if_exists(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
            if (!file || !S_ISREG(status_of(*file).st_mode))
                continue;
            auto found = doing("read '" + path.string() + "'", [&] {
                return read_credentials(read_all(*file, largest_credential_file), reference_.registry, reference_.name);
            });
            if (found)
                return found;
        }
        return std::nullopt;
    }

    std::string text_at(const std::string& place, std::uint64_t most, ProgressMeter& meter) {
        const UniqueFd file{::memfd_create("fetched", MFD_CLOEXEC)};
        if (!file)
            throw system_failure("make a file in memory");
        (void)get({.url = place, .most = most, .headers = {manifest_types}}, file, meter);
        ::lseek(file.get(), 0, SEEK_SET);
        return read_all(file, most);
    }

    std::string first_manifest(ProgressMeter& meter) {
        std::string text = text_at(url("manifests", reference_.version()), largest_document, meter);
        if (reference_.digest && digest_of(text) != reference_.digest->text())
            throw Failure{FailureKind::hostile, "the manifest is not what its digest says"};
        return text;
    }

    std::string document(const Descriptor& wanted, const char* kind, ProgressMeter& meter) {
        if (wanted.size > largest_document)
            throw Failure{FailureKind::hostile, "document " + wanted.digest.text() + " has more than " +
                                                    std::to_string(largest_document) + " bytes"};
        std::string text = text_at(url(kind, wanted.digest.text()), wanted.size, meter);
        if (text.size() != wanted.size || digest_of(text) != wanted.digest.text())
            throw Failure{FailureKind::hostile, "document " + wanted.digest.text() + " is not what its digest says"};
        return text;
    }

    UniqueFd fetch_layer(const Descriptor& blob, const std::string& label, ProgressMeter& meter) {
        make_directories(options_.room, 0700);
        UniqueFd file = open_path(options_.room, O_TMPFILE | O_RDWR, 0600);
        meter.begin("downloading layer" + label, blob.size);
        (void)get({.url = url("blobs", blob.digest.text()), .most = blob.size, .is_immutable = true}, file, meter);
        meter.end();
        if (static_cast<std::uint64_t>(status_of(file).st_size) != blob.size ||
            digest_of_file(file) != blob.digest.text())
            throw Failure{FailureKind::hostile, "layer" + label + " is not what its digest says"};
        ::lseek(file.get(), 0, SEEK_SET);
        return file;
    }

    Reference reference_;
    RegistryOptions options_;
    bool is_plain_ = false;
    std::string authorization_;
};

} // namespace

std::vector<std::filesystem::path> RegistryOptions::credential_files() {
    const auto variable = [](const char* name) {
        const char* value = std::getenv(name);
        return value != nullptr && *value == '/' ? std::filesystem::path{value} : std::filesystem::path{};
    };
    if (const auto only = variable("REGISTRY_AUTH_FILE"); !only.empty())
        return {only};
    std::vector<std::filesystem::path> files;
    const auto add = [&](const std::filesystem::path& directory, const char* file) {
        if (!directory.empty())
            files.push_back(directory / file);
    };
    const auto home = variable("HOME");
    add(variable("XDG_RUNTIME_DIR"), "containers/auth.json");
    files.emplace_back("/run/containers/0/auth.json");
    add(variable("XDG_CONFIG_HOME"), "containers/auth.json");
    add(home, ".config/containers/auth.json");
    add(variable("DOCKER_CONFIG"), "config.json");
    add(home, ".docker/config.json");
    return files;
}

SourcedImage image_in_registry(const Reference& reference, const RegistryOptions& options, ProgressMeter& meter) {
    return doing("find '" + reference.text() + "'",
                 [&] { return std::make_shared<Registry>(reference, options)->find(meter); });
}

} // namespace machinist
