// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/companions.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "transfer/imports.hpp"

#include <array>
#include <cstdint>
#include <fcntl.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr int warning = 4;
constexpr std::uint64_t largest_text = std::uint64_t{1} << 20;

struct Kind {
    const char* suffix;
    std::uint64_t most; // bytes
    bool is_about_verity;
};
constexpr std::array<Kind, 4> kinds{{{".nspawn", 65536, false},
                                     {".roothash", 4096, true},
                                     {".roothash.p7s", largest_text, true},
                                     {".verity", std::uint64_t{1} << 40, true}}};

class Fetching {
public:
    Fetching(const CompanionOrder& order, ProgressMeter& meter)
        : order_(order), meter_(meter), stem_(image_name_from(file_name_of(order.request.url))) {}

    std::optional<Companion> fetch_one(const Kind& kind) {
        const std::string name = stem_ + kind.suffix;
        FetchRequest request = order_.request;
        request.url = beside(request.url, name);
        request.most = kind.most;
        request.may_be_missing = true;
        request.known_etags.clear();
        UniqueFd file = open_path(order_.room, O_TMPFILE | O_RDWR, 0600);
        // The others take a moment.
        if (kind.most > largest_text)
            meter_.begin("downloading " + name);
        const bool found = fetch(request, file, meter_).found;
        if (order_.verify != Verify::no && !is_as_published(kind, request, found, file))
            return std::nullopt;
        if (!found)
            return std::nullopt;
        ::lseek(file.get(), 0, SEEK_SET);
        if (::fchmod(file.get(), 0644) < 0)
            throw system_failure("set the mode of '" + name + "'");
        return Companion{kind.suffix, std::move(file)};
    }

private:
    // False: to be left out.
    bool is_as_published(const Kind& kind, const FetchRequest& request, bool found, BorrowedFd file) {
        const std::string name = file_name_of(request.url);
        auto sums = order_.checksums;
        if (found && !sums.contains(name)) {
            try {
                sums = fetch_checksums(request, order_.verify, order_.keyrings, meter_);
            } catch (const Failure& failure) {
                if (failure.kind() != FailureKind::not_found)
                    throw;
            }
        }
        if (!sums.contains(name)) {
            if (found)
                leave_out(name, "has no published checksum");
            return false;
        }
        if (!found && kind.is_about_verity)
            throw Failure{FailureKind::hostile,
                          "'" + escaped_for_people(name) + "' is published for the image, but the server has it not"};
        if (!found)
            return false;
        try {
            check_checksum(file, name, sums, meter_);
        } catch (const Failure&) {
            if (kind.is_about_verity)
                throw;
            leave_out(name, "is not what was published");
            return false;
        }
        return true;
    }

    void leave_out(const std::string& name, const char* why) {
        meter_.say(warning, "'" + escaped_for_people(name) + "' beside the image " + why + ", and is left out");
    }

    const CompanionOrder& order_;
    ProgressMeter& meter_;
    std::string stem_;
};

} // namespace

std::vector<Companion> fetch_companions(const CompanionOrder& order, ProgressMeter& meter) {
    Fetching fetching{order, meter};
    std::vector<Companion> found;
    for (const Kind& kind : kinds)
        if (kind.is_about_verity ? order.hashes : order.settings)
            if (auto companion = fetching.fetch_one(kind))
                found.push_back(std::move(*companion));
    return found;
}

} // namespace machinist
