// SPDX-License-Identifier: LGPL-2.1-or-later
// Tar archives written byte by byte, so that they can be as no tool would write them.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace machinist::testing {

struct TarHeader {
    std::string name;
    char type = '0';
    std::string link;
    unsigned mode = 0644;
    std::uint64_t owner = 0;
    std::uint64_t group = 0;
    std::uint64_t size = 0;
    std::uint64_t time = 1'700'000'000;
    unsigned major = 0;
    unsigned minor = 0;
};

class TarFile {
public:
    TarFile& add(const TarHeader& header, std::string_view contents = {}) {
        put_header(header, header.size != 0 ? header.size : contents.size());
        put_padded(contents);
        return *this;
    }
    TarFile& file(std::string name, std::string_view contents) {
        return add({.name = std::move(name)}, contents);
    }
    TarFile& directory(std::string name, unsigned mode = 0755) {
        return add({.name = std::move(name), .type = '5', .mode = mode});
    }
    TarFile& symlink(std::string name, std::string target) {
        return add({.name = std::move(name), .type = '2', .link = std::move(target), .mode = 0777});
    }
    TarFile& hard_link(std::string name, std::string target) {
        return add({.name = std::move(name), .type = '1', .link = std::move(target)});
    }
    // Records for the entry that is added next.
    TarFile& pax(const std::vector<std::pair<std::string, std::string>>& records) {
        std::string text;
        for (const auto& [key, value] : records) {
            const std::size_t rest = key.size() + value.size() + 3;
            std::size_t length = rest + 1;
            while (std::to_string(length).size() + rest != length)
                ++length;
            text += std::to_string(length) + " " + key + "=" + value + "\n";
        }
        return add({.name = "PaxHeader", .type = 'x'}, text);
    }
    TarFile& gnu_long_name(const std::string& name) {
        return add({.name = "././@LongLink", .type = 'L'}, name + '\0');
    }
    TarFile& raw(std::string_view bytes) {
        text_.append(bytes);
        return *this;
    }
    TarFile& end() {
        text_.append(1024, '\0');
        return *this;
    }
    [[nodiscard]] const std::string& bytes() const {
        return text_;
    }

private:
    template <std::size_t Size>
    static void octal(std::array<char, 512>& header, std::size_t at, std::uint64_t number) {
        if (number >= std::uint64_t{1} << (3 * (Size - 1))) {
            // As GNU tar writes what octal digits cannot say.
            header[at] = static_cast<char>(0x80);
            for (std::size_t byte = 1; byte < Size; ++byte)
                header[at + byte] = static_cast<char>(byte + 8 < Size ? 0 : number >> (8 * (Size - 1 - byte)));
            return;
        }
        std::snprintf(header.data() + at, Size, "%0*llo", static_cast<int>(Size - 1),
                      static_cast<unsigned long long>(number));
    }

    void put_header(const TarHeader& from, std::uint64_t size) {
        std::array<char, 512> header{};
        std::memcpy(header.data(), from.name.data(), std::min<std::size_t>(from.name.size(), 100));
        octal<8>(header, 100, from.mode);
        octal<8>(header, 108, from.owner);
        octal<8>(header, 116, from.group);
        octal<12>(header, 124, size);
        octal<12>(header, 136, from.time);
        header[156] = from.type;
        std::memcpy(header.data() + 157, from.link.data(), std::min<std::size_t>(from.link.size(), 100));
        std::memcpy(header.data() + 257, "ustar\00000", 8);
        octal<8>(header, 329, from.major);
        octal<8>(header, 337, from.minor);
        std::memset(header.data() + 148, ' ', 8);
        unsigned sum = 0;
        for (const char byte : header)
            sum += static_cast<unsigned char>(byte);
        std::snprintf(header.data() + 148, 8, "%06o", sum);
        text_.append(header.data(), header.size());
    }
    void put_padded(std::string_view contents) {
        text_.append(contents).append((512 - contents.size() % 512) % 512, '\0');
    }

    std::string text_;
};

} // namespace machinist::testing
