// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/sqlite_table.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <set>
#include <utility>

namespace machinist {

namespace {

// Thrown and caught in this file only: what is wrong with the file matters to nobody.
struct Contradiction {};

constexpr std::size_t deepest = 20;
constexpr std::size_t most_columns = 100;

// Big-endian numbers and texts of some bytes, within them.
class Bytes {
public:
    explicit Bytes(std::string_view bytes) : bytes_(bytes) {}

    [[nodiscard]] std::uint64_t number(std::size_t at, std::size_t size) const {
        std::uint64_t value = 0;
        for (const char byte : part(at, size))
            value = value << 8 | static_cast<std::uint8_t>(byte);
        return value;
    }
    // 1 to 9 bytes of 7 bits each, the ninth of 8; moves at behind them.
    std::uint64_t variable(std::size_t& at) const {
        std::uint64_t value = 0;
        for (int count = 1; count <= 9; ++count) {
            const std::uint64_t byte = number(at++, 1);
            if (count == 9)
                return value << 8 | byte;
            value = value << 7 | (byte & 0x7f);
            if ((byte & 0x80) == 0)
                break;
        }
        return value;
    }
    [[nodiscard]] std::string_view part(std::size_t at, std::size_t size) const {
        if (at > bytes_.size() || bytes_.size() - at < size)
            throw Contradiction{};
        return bytes_.substr(at, size);
    }

private:
    std::string_view bytes_;
};

struct Column {
    std::uint64_t type = 0;
    std::string_view body;
    [[nodiscard]] bool has_bytes() const {
        return type >= 12;
    }
};

std::size_t size_of_type(std::uint64_t type) {
    constexpr std::size_t fixed[]{0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
    return type < 12 ? fixed[type] : static_cast<std::size_t>((type - 12) / 2);
}

std::vector<Column> columns_of(std::string_view record) {
    const Bytes bytes{record};
    std::size_t at = 0;
    const std::uint64_t header = bytes.variable(at);
    std::vector<Column> columns;
    while (at < header) {
        if (columns.size() == most_columns)
            throw Contradiction{};
        columns.push_back({bytes.variable(at), {}});
    }
    for (Column& column : columns) {
        column.body = bytes.part(at, size_of_type(column.type));
        at += column.body.size();
    }
    return columns;
}

class Database {
public:
    explicit Database(std::string_view file) : file_(file) {
        constexpr std::string_view magic{"SQLite format 3\0", 16};
        if (file_.part(0, magic.size()) != magic)
            throw Contradiction{};
        page_size_ = file_.number(16, 2);
        if (page_size_ == 1)
            page_size_ = 65536;
        const std::uint64_t reserved = file_.number(20, 1);
        if (page_size_ < 512 || (page_size_ & (page_size_ - 1)) != 0 || page_size_ - reserved < 480)
            throw Contradiction{};
        usable_ = page_size_ - reserved;
    }

    // Every row below the page, in order.
    void for_each_row(std::uint64_t page, const std::function<void(std::string_view record)>& each) {
        seen_.clear();
        walk(page, 0, each);
    }

private:
    [[nodiscard]] Bytes page(std::uint64_t number) const {
        if (number == 0 || number > 0xffffffff)
            throw Contradiction{};
        return Bytes{file_.part((number - 1) * page_size_, page_size_)};
    }

    void walk(std::uint64_t number, std::size_t depth, const std::function<void(std::string_view)>& each) {
        constexpr std::uint64_t interior = 0x05;
        constexpr std::uint64_t leaf = 0x0d;
        // A page in two places is how a small file becomes an endless one.
        if (depth > deepest || !seen_.insert(number).second)
            throw Contradiction{};
        const Bytes bytes = page(number);
        const std::size_t header = number == 1 ? 100 : 0;
        const std::uint64_t type = bytes.number(header, 1);
        const std::uint64_t count = bytes.number(header + 3, 2);
        if (type != interior && type != leaf)
            throw Contradiction{};
        const std::size_t cells = header + (type == leaf ? 8 : 12);
        for (std::uint64_t cell = 0; cell < count; ++cell) {
            const std::size_t at = bytes.number(cells + 2 * cell, 2);
            if (type == leaf)
                each(record_at(bytes, at));
            else
                walk(bytes.number(at, 4), depth + 1, each);
        }
        if (type == interior)
            walk(bytes.number(header + 8, 4), depth + 1, each);
    }

    std::string record_at(const Bytes& bytes, std::size_t at) {
        const std::uint64_t size = bytes.variable(at);
        (void)bytes.variable(at); // the row's number
        const std::uint64_t most = usable_ - 35;
        if (size <= most)
            return std::string{bytes.part(at, size)};
        const std::uint64_t least = (usable_ - 12) * 32 / 255 - 23;
        const std::uint64_t fitting = least + (size - least) % (usable_ - 4);
        const std::uint64_t local = fitting <= most ? fitting : least;
        std::string record{bytes.part(at, local)};
        std::uint64_t next = bytes.number(at + local, 4);
        while (record.size() < size) {
            // Each page once: so a record is never longer than the file.
            if (!seen_.insert(next).second)
                throw Contradiction{};
            const Bytes more = page(next);
            record.append(more.part(4, std::min<std::uint64_t>(usable_ - 4, size - record.size())));
            next = more.number(0, 4);
        }
        return record;
    }

    Bytes file_;
    std::uint64_t page_size_ = 0;
    std::uint64_t usable_ = 0;
    std::set<std::uint64_t> seen_;
};

// The first page is the table of all tables: kind, name, table, first page, statement.
std::uint64_t first_page_of(Database& database, std::string_view table) {
    std::uint64_t found = 0;
    database.for_each_row(1, [&](std::string_view record) {
        const auto columns = columns_of(record);
        if (columns.size() == 5 && columns[0].body == "table" && columns[1].body == table && !columns[3].has_bytes())
            found = Bytes{columns[3].body}.number(0, columns[3].body.size());
    });
    return found;
}

} // namespace

std::optional<std::vector<std::string>> last_column_of_table(std::string_view file, std::string_view table) {
    try {
        Database database{file};
        std::vector<std::string> values;
        database.for_each_row(first_page_of(database, table), [&](std::string_view record) {
            const auto columns = columns_of(record);
            if (!columns.empty() && columns.back().has_bytes())
                values.emplace_back(columns.back().body);
        });
        return values;
    } catch (const Contradiction&) {
        return std::nullopt;
    }
}

} // namespace machinist
