// SPDX-License-Identifier: LGPL-2.1-or-later
// The one way in which rows reach people and programs: columns on a terminal, or JSON with the same names.
#pragma once

#include "cli/control/invocation.hpp"

#include <optional>
#include <string>
#include <vector>

namespace machinist {

// Nothing is shown as "-", and as null in JSON. Line breaks within a cell go on below it.
using Cell = std::optional<std::string>;

class Table {
public:
    // "MACHINE": the heading for people; JSON has it in lower case.
    explicit Table(std::vector<std::string> columns) : columns_(std::move(columns)) {}
    // json: what programs get where that is no text: "true", "12"; empty: the cell itself.
    void add(std::vector<Cell> row, std::vector<std::string> json = {}) {
        rows_.push_back(std::move(row));
        json_.push_back(std::move(json));
    }

    // noun, done: for "2 machines listed." and "No machines.".
    void print(const Invocation& call, const std::string& noun, const std::string& done = "listed") const;

private:
    void print_json(bool pretty) const;
    void print_text(const Invocation& call) const;

    std::vector<std::string> columns_;
    std::vector<std::vector<Cell>> rows_;
    std::vector<std::vector<std::string>> json_; // as many as rows
};

} // namespace machinist
