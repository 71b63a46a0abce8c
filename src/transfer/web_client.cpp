// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/web_client.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "machinist_config.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <curl/curl.h>
#include <exception>
#include <fcntl.h>
#include <memory>
#include <thread>
#include <unistd.h>

namespace machinist {

namespace {

constexpr long most_redirects = 8;
constexpr int most_attempts = 6;
constexpr std::uint64_t least_progress = 65536; // of an attempt, for another to be worth it
constexpr long ok = 200;
constexpr long partial = 206;
constexpr long not_modified = 304;
constexpr long unauthorized = 401;
constexpr long not_found = 404;
constexpr long gone = 410;

struct FreeUrl {
    void operator()(CURLU* url) const {
        ::curl_url_cleanup(url);
    }
};
struct FreeCurl {
    void operator()(CURL* handle) const {
        ::curl_easy_cleanup(handle);
    }
};
struct FreeList {
    void operator()(curl_slist* list) const {
        ::curl_slist_free_all(list);
    }
};

std::string part_of(CURLU* url, CURLUPart which) {
    char* text = nullptr;
    if (::curl_url_get(url, which, &text, 0) != CURLUE_OK)
        return "";
    const std::unique_ptr<char, decltype(&::curl_free)> owner{text, ::curl_free};
    return text;
}

class Client {
public:
    using Tell = std::function<void(std::uint64_t, std::uint64_t)>;

    Client(const FetchRequest& request, const Certificates& certificates, BorrowedFd into, const Tell& tell)
        : request_(request), into_(into), tell_(tell) {
        if (!handle_)
            throw Failure{FailureKind::internal, "start libcurl"};
        set_up();
        believe(certificates);
    }

    Fetched run() {
        for (int attempt = 1;; ++attempt) {
            const std::uint64_t before = size_;
            const CURLcode result = attempt_once();
            if (broken_)
                std::rethrow_exception(broken_);
            long status = 0;
            ::curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
            if (status == not_modified)
                return {.found = true, .unchanged = true, .etag = etag_};
            if (result == CURLE_OK)
                return {.found = true, .unchanged = false, .etag = etag_};
            if (request_.may_be_refused && status == unauthorized)
                return {.challenge = challenge_};
            if (request_.may_be_missing && (status == not_found || status == gone))
                return {};
            // Nothing may be asked again that answers the same.
            const bool may_pass =
                is_interruption(result) || (result == CURLE_HTTP_RETURNED_ERROR && is_passing(status));
            if (!may_pass || attempt == most_attempts ||
                (attempt > 1 && is_interruption(result) && size_ < before + least_progress))
                throw failed(result, status);
            std::this_thread::sleep_for(std::chrono::milliseconds{300} * attempt);
        }
    }

private:
    static bool is_interruption(CURLcode result) {
        constexpr std::array interruptions{CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_OPERATION_TIMEDOUT,
                                           CURLE_GOT_NOTHING, CURLE_SEND_ERROR};
        return std::ranges::find(interruptions, result) != interruptions.end();
    }

    // Too many requests, or a server that is in trouble for the moment.
    static bool is_passing(long status) {
        constexpr std::array passing{408L, 429L, 500L, 502L, 503L, 504L};
        return std::ranges::find(passing, status) != passing.end();
    }

    Failure failed(CURLcode result, long status) const {
        const std::string what = "fetch '" + escaped_for_people(request_.url) + "': ";
        if (result == CURLE_HTTP_RETURNED_ERROR)
            return Failure{status == not_found || status == gone ? FailureKind::not_found : FailureKind::system,
                           what + "the server answers with status " + std::to_string(status)};
        if (result == CURLE_OPERATION_TIMEDOUT)
            return Failure{FailureKind::timed_out,
                           what + "nothing came for " + std::to_string(request_.patience.count()) + " seconds"};
        if (result == CURLE_FILESIZE_EXCEEDED)
            return too_large();
        return Failure{FailureKind::system,
                       what + (error_[0] != '\0' ? escaped_for_people(error_.data()) : ::curl_easy_strerror(result))};
    }
    Failure too_large() const {
        return Failure{FailureKind::hostile, "fetch '" + escaped_for_people(request_.url) + "': it has more than " +
                                                 std::to_string(request_.most) + " bytes"};
    }

    template <typename Value>
    void set(CURLoption option, Value value) {
        if (::curl_easy_setopt(handle_.get(), option, value) != CURLE_OK)
            throw Failure{FailureKind::internal, "set up libcurl"};
    }

    void set_up() {
        const bool is_https = lower_case(request_.url.substr(0, 6)) == "https:";
        set(CURLOPT_URL, request_.url.c_str());
        set(CURLOPT_PROTOCOLS_STR, request_.may_be_file ? "http,https,file" : "http,https");
        set(CURLOPT_REDIR_PROTOCOLS_STR, is_https ? "https" : "http,https");
        set(CURLOPT_FOLLOWLOCATION, 1L);
        set(CURLOPT_MAXREDIRS, most_redirects);
        set(CURLOPT_FAILONERROR, 1L);
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_USERAGENT, "machinist/" MACHINIST_VERSION);
        set(CURLOPT_CONNECTTIMEOUT, 30L);
        set(CURLOPT_LOW_SPEED_LIMIT, 1L);
        set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request_.patience.count()));
        set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.most));
        set(CURLOPT_BUFFERSIZE, 262144L);
        set(CURLOPT_ERRORBUFFER, error_.data());
        set(CURLOPT_WRITEDATA, static_cast<void*>(this));
        set(CURLOPT_WRITEFUNCTION, static_cast<curl_write_callback>(&Client::on_bytes));
        set(CURLOPT_HEADERDATA, static_cast<void*>(this));
        set(CURLOPT_HEADERFUNCTION, static_cast<curl_write_callback>(&Client::on_header));
    }

    void believe(const Certificates& certificates) {
        if (!certificates.bundle.empty()) {
            curl_blob bundle{const_cast<char*>(certificates.bundle.data()), certificates.bundle.size(), CURL_BLOB_COPY};
            set(CURLOPT_CAINFO_BLOB, &bundle);
        }
        // The host's own would be believed beside those that were chosen.
        if (!certificates.bundle.empty() || !certificates.directory.empty())
            set(CURLOPT_CAPATH, certificates.directory.empty() ? nullptr : certificates.directory.c_str());
    }

    CURLcode attempt_once() {
        std::unique_ptr<curl_slist, FreeList> headers;
        const auto add = [&](const std::string& line) {
            headers.reset(::curl_slist_append(headers.release(), line.c_str()));
        };
        for (const std::string& line : request_.headers)
            add(line);
        // Without a mark of the version, what comes now may be the end of another file.
        if (size_ > 0 && (!etag_.empty() || request_.is_immutable)) {
            set(CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(size_));
            if (!etag_.empty() && !request_.is_immutable)
                add("If-Range: " + etag_);
        } else {
            start_again();
            set(CURLOPT_RESUME_FROM_LARGE, curl_off_t{0});
            if (!request_.known_etags.empty())
                add("If-None-Match: " + joined(request_.known_etags, ", "));
        }
        set(CURLOPT_HTTPHEADER, headers.get());
        is_first_piece_ = true;
        error_[0] = '\0';
        CURLcode result = ::curl_easy_perform(handle_.get());
        // The server knows no ranges, or has another file by now: from the beginning then.
        if (result == CURLE_RANGE_ERROR && size_ > 0) {
            start_again();
            set(CURLOPT_RESUME_FROM_LARGE, curl_off_t{0});
            std::unique_ptr<curl_slist, FreeList> plain;
            for (const std::string& line : request_.headers)
                plain.reset(::curl_slist_append(plain.release(), line.c_str()));
            headers = std::move(plain);
            set(CURLOPT_HTTPHEADER, headers.get());
            result = ::curl_easy_perform(handle_.get());
        }
        set(CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
        return result;
    }

    void start_again() {
        size_ = 0;
        etag_.clear();
        if (::ftruncate(into_.get(), 0) < 0 || ::lseek(into_.get(), 0, SEEK_SET) < 0)
            throw system_failure("empty the file");
    }

    std::size_t take(std::string_view bytes) {
        long status = 0;
        ::curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
        if (is_first_piece_ && size_ > 0 && status == ok)
            start_again();
        is_first_piece_ = false;
        if (bytes.size() > request_.most - size_)
            throw too_large();
        write_all(into_, bytes);
        size_ += bytes.size();
        const auto now = std::chrono::steady_clock::now();
        if (now - told_ > std::chrono::milliseconds{100}) {
            told_ = now;
            curl_off_t length = -1;
            ::curl_easy_getinfo(handle_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
            // Of a part, the length of the part.
            const std::uint64_t total = length <= 0         ? 0
                                        : status == partial ? resumed_at_ + static_cast<std::uint64_t>(length)
                                                            : static_cast<std::uint64_t>(length);
            tell_(size_, total);
        }
        return bytes.size();
    }

    static std::size_t on_bytes(char* bytes, std::size_t size, std::size_t count, void* data) {
        auto& client = *static_cast<Client*>(data);
        try {
            return client.take({bytes, size * count});
        } catch (...) {
            client.broken_ = std::current_exception();
            return 0;
        }
    }

    static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* data) {
        auto& client = *static_cast<Client*>(data);
        const std::string_view line = trimmed({bytes, size * count});
        // Each answer of a chain of redirects begins anew.
        if (line.starts_with("HTTP/")) {
            client.resumed_at_ = client.size_;
            client.challenge_.clear();
        } else if (lower_case(line.substr(0, 17)) == "www-authenticate:") {
            const std::string_view challenge = trimmed(line.substr(17));
            if (challenge.size() < 8192 && !has_control_characters(challenge))
                client.challenge_ = challenge;
        } else if (lower_case(line.substr(0, 5)) == "etag:") {
            const std::string_view etag = trimmed(line.substr(5));
            // Weak ones stand for files that are alike, not for the same bytes.
            const bool is_strong = etag.size() > 2 && etag.size() < 128 && etag.front() == '"' && etag.back() == '"' &&
                                   !has_control_characters(etag) && etag.find(' ') == std::string_view::npos;
            if (is_strong)
                client.etag_ = etag;
        }
        return size * count;
    }

    const FetchRequest& request_;
    BorrowedFd into_;
    const Tell& tell_;
    std::unique_ptr<CURL, FreeCurl> handle_{::curl_easy_init()};
    std::array<char, CURL_ERROR_SIZE> error_{};
    std::exception_ptr broken_;
    std::string etag_;
    std::string challenge_;
    std::uint64_t size_ = 0;
    std::uint64_t resumed_at_ = 0;
    bool is_first_piece_ = true;
    std::chrono::steady_clock::time_point told_;
};

} // namespace

void check_url(const std::string& url, bool may_be_file) {
    const auto refuse = [&](const char* why) {
        throw Failure{FailureKind::invalid, "URL '" + escaped_for_people(url) + "' " + why};
    };
    const std::unique_ptr<CURLU, FreeUrl> parsed{::curl_url()};
    if (has_control_characters(url) || url.find(' ') != std::string::npos || url.size() > 8192 ||
        ::curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        refuse("is none");
    const std::string scheme = part_of(parsed.get(), CURLUPART_SCHEME);
    if (scheme != "http" && scheme != "https" && !(may_be_file && scheme == "file"))
        refuse(scheme == "file" ? "is a file of this host, which is imported, not pulled"
                                : "is neither http nor https");
    if (!part_of(parsed.get(), CURLUPART_USER).empty() || !part_of(parsed.get(), CURLUPART_PASSWORD).empty())
        refuse("has a user name or password in it, which everybody would see");
}

Certificates chosen_certificates() {
    constexpr std::size_t largest_bundle = std::size_t{16} << 20;
    Certificates chosen;
    if (const char* file = std::getenv("SSL_CERT_FILE"); file != nullptr && *file != '\0')
        chosen.bundle = doing("take the certificates of SSL_CERT_FILE", [&] {
            return read_all(open_path(file, O_RDONLY | O_NONBLOCK | O_NOCTTY), largest_bundle);
        });
    if (const char* directory = std::getenv("SSL_CERT_DIR"); directory != nullptr && *directory != '\0')
        chosen.directory = directory;
    return chosen;
}

Fetched fetch_here(const FetchRequest& request, const Certificates& certificates, BorrowedFd into,
                   const std::function<void(std::uint64_t bytes, std::uint64_t total)>& tell) {
    if (::curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        throw Failure{FailureKind::internal, "start libcurl"};
    return Client{request, certificates, into, tell}.run();
}

} // namespace machinist
