// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/table.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/json_text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <libsmartcols/libsmartcols.h>
#include <memory>

namespace machinist {

namespace {

void check(int result) {
    if (result < 0)
        throw system_failure("print a table", -result);
}

using Lines = std::unique_ptr<libscols_table, decltype(&::scols_unref_table)>;

// What others wrote must not act on the terminal; line breaks are ours.
std::string shown(const Cell& cell) {
    if (!cell)
        return "-";
    const std::string& text = *cell;
    if (!text.contains('\n'))
        return escaped_for_people(text);
    std::vector<std::string> lines;
    for (const std::string_view line : split(text, '\n'))
        lines.push_back(escaped_for_people(line));
    return joined(lines, "\n");
}

} // namespace

void Table::print(const Invocation& call, const std::string& noun, const std::string& done) const {
    if (call.output != OutputMode::text) {
        print_json(call.output == OutputMode::json_pretty);
        return;
    }
    if (!rows_.empty())
        print_text(call);
    if (call.legend && rows_.empty())
        std::printf("No %s.\n", noun.c_str());
    else if (call.legend)
        std::printf("\n%zu %s %s.\n", rows_.size(), noun.c_str(), done.c_str());
}

void Table::print_text(const Invocation& call) const {
    const Lines table{::scols_new_table(), &::scols_unref_table};
    if (!table)
        throw system_failure("print a table", ENOMEM);
    check(::scols_table_enable_noheadings(table.get(), call.legend ? 0 : 1));
    // By itself the library escapes what it takes for unprintable in the C locale, which is all but ASCII.
    check(::scols_table_enable_noencoding(table.get(), 1));
    for (const std::string& name : columns_) {
        // A heading that is not printed must not make its column wider.
        libscols_column* column =
            ::scols_table_new_column(table.get(), call.legend ? name.c_str() : "", 0, SCOLS_FL_WRAP);
        if (!column)
            throw system_failure("print a table", ENOMEM);
        check(::scols_column_set_wrapfunc(column, ::scols_wrapnl_chunksize, ::scols_wrapnl_nextchunk, nullptr));
    }
    // A column without a heading that holds nothing has a place, too, as machinectl's have.
    const auto has_no_place = [&](std::size_t at) {
        return !call.legend && at + 1 < columns_.size() &&
               std::ranges::all_of(rows_, [at](const auto& row) { return at < row.size() && row[at] == ""; });
    };
    for (const auto& row : rows_) {
        libscols_line* line = ::scols_table_new_line(table.get(), nullptr);
        if (!line)
            throw system_failure("print a table", ENOMEM);
        for (std::size_t at = 0; at < row.size(); ++at)
            check(::scols_line_set_data(line, at, has_no_place(at) ? " " : shown(row[at]).c_str()));
    }
    check(::scols_print_table(table.get()));
}

void Table::print_json(bool pretty) const {
    const char* const gap = pretty ? "\n\t\t" : "";
    std::string text = "[";
    for (std::size_t number = 0; number < rows_.size(); ++number) {
        const auto& row = rows_[number];
        const auto& json = json_[number];
        text.append(text.size() > 1 ? "," : "").append(pretty ? "\n\t{" : "{");
        for (std::size_t at = 0; at < row.size(); ++at) {
            text.append(at > 0 ? "," : "").append(gap).append(json_string(lower_case(columns_[at])));
            const bool has_json = at < json.size() && !json[at].empty();
            text.append(pretty ? " : " : ":").append(has_json ? json[at] : row[at] ? json_string(*row[at]) : "null");
        }
        text.append(pretty ? "\n\t}" : "}");
    }
    text.append(pretty && !rows_.empty() ? "\n]" : "]");
    std::puts(text.c_str());
}

} // namespace machinist
