// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/verification.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "transfer/sha256.hpp"
#include "transfer/unprivileged.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t digits_of_sum = 64;

UniqueFd in_memory(std::string_view text) {
    UniqueFd file{::memfd_create("text", MFD_CLOEXEC)};
    if (!file)
        throw system_failure("make a file in memory");
    write_all(file, text);
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
}

void check_signature(const std::string& text, const std::string& signature,
                     const std::vector<std::filesystem::path>& keyrings) {
    std::vector<std::string> command{"gpgv", "--homedir", "/nonexistent"};
    std::error_code ignored;
    for (const auto& keyring : keyrings)
        if (std::filesystem::exists(keyring, ignored))
            command.insert(command.end(), {"--keyring", std::filesystem::absolute(keyring).string()});
    if (command.size() == 3)
        throw Failure{FailureKind::not_found, "verify the signature: there is no keyring"}.try_instead(
            "putting keys into '/etc/systemd/import-pubring.gpg', or --verify=checksum");
    const UniqueFd signature_file = in_memory(signature);
    const UniqueFd text_file = in_memory(text);
    command.emplace_back("--");
    if (run_unprivileged(std::move(command), {signature_file, text_file}) != 0)
        throw Failure{FailureKind::hostile, "verify the signature: it is not by a key of the keyrings"};
}

} // namespace

std::vector<std::filesystem::path> default_keyrings() {
    std::vector<std::filesystem::path> found;
    for (const char* directory : {"/etc/machinist", "/etc/systemd", "/usr/lib/machinist", "/usr/lib/systemd"})
        for (const char* name : {"import-pubring.pgp", "import-pubring.gpg"})
            found.push_back(std::filesystem::path{directory} / name);
    return found;
}

std::map<std::string, std::string> parse_checksums(std::string_view text, std::string_view only_name) {
    std::map<std::string, std::string> sums;
    std::vector<std::string> ambiguous;
    for (std::string_view line : split(text, '\n')) {
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        const std::string sum = lower_case(line.substr(0, digits_of_sum));
        if (sum.size() != digits_of_sum || sum.find_first_not_of("0123456789abcdef") != std::string::npos)
            continue;
        std::string_view name = line.substr(digits_of_sum);
        // "SUM  NAME" as text, "SUM *NAME" as bytes.
        if (trimmed(name).empty())
            name = only_name;
        else if (name.starts_with("  ") || name.starts_with(" *"))
            name.remove_prefix(2);
        else
            continue;
        if (name.starts_with("./"))
            name.remove_prefix(2);
        const auto [known, is_new] = sums.try_emplace(std::string{name}, sum);
        if (!is_new && known->second != sum)
            ambiguous.emplace_back(name);
    }
    for (const std::string& name : ambiguous)
        sums.erase(name);
    return sums;
}

std::string file_name_of(const std::string& url) {
    const std::string path = url.substr(0, url.find_first_of("?#"));
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::string beside(const std::string& url, const std::string& file_name) {
    const std::string path = url.substr(0, url.find_first_of("?#"));
    const auto slash = path.rfind('/');
    return (slash == std::string::npos ? std::string{} : path.substr(0, slash + 1)) + file_name;
}

std::map<std::string, std::string> fetch_checksums(const FetchRequest& request, Verify verify,
                                                   const std::vector<std::filesystem::path>& keyrings,
                                                   ProgressMeter& meter) {
    const std::string name = file_name_of(request.url);
    for (const std::string& sums_name : {name + ".sha256", std::string{"SHA256SUMS"}}) {
        FetchRequest beside_it = request;
        beside_it.known_etags.clear();
        beside_it.url = beside(request.url, sums_name);
        const auto sums = fetch_text(beside_it, meter);
        if (!sums)
            continue;
        if (verify == Verify::signature) {
            std::optional<std::string> signature;
            for (const char* suffix : {".asc", ".gpg"}) {
                beside_it.url = beside(request.url, sums_name + suffix);
                if (signature = fetch_text(beside_it, meter); signature)
                    break;
            }
            if (!signature)
                throw Failure{FailureKind::not_found,
                              "verify the signature: the server has none of '" + escaped_for_people(sums_name) + "'"}
                    .try_instead("--verify=checksum");
            check_signature(*sums, *signature, keyrings);
        }
        return parse_checksums(*sums, name);
    }
    throw Failure{FailureKind::not_found, "verify the checksum: the server has neither '" + escaped_for_people(name) +
                                              ".sha256' nor 'SHA256SUMS'"}
        .try_instead("--verify=no");
}

void check_checksum(BorrowedFd file, const std::string& name, const std::map<std::string, std::string>& checksums,
                    ProgressMeter& meter) {
    const auto wanted = checksums.find(name);
    if (wanted == checksums.end())
        throw Failure{FailureKind::hostile,
                      "verify the checksum: none is published for '" + escaped_for_people(name) + "', or several are"};
    meter.begin("verifying", static_cast<std::uint64_t>(status_of(file).st_size));
    Sha256 digest;
    std::vector<std::uint8_t> buffer(std::size_t{1} << 20);
    for (off_t at = 0;;) {
        const ssize_t count = ::pread(file.get(), buffer.data(), buffer.size(), at);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw system_failure("read what was fetched");
        if (count == 0)
            break;
        digest.add(Bytes{buffer}.first(static_cast<std::size_t>(count)));
        at += count;
        meter.tick(static_cast<std::uint64_t>(at));
    }
    meter.end();
    if (digest.finish() != wanted->second)
        throw Failure{FailureKind::hostile,
                      "verify the checksum: '" + escaped_for_people(name) + "' is not what was published"};
}

} // namespace machinist
