// SPDX-License-Identifier: LGPL-2.1-or-later
// Undoes something at the end of a scope unless it was released.
#pragma once

#include <utility>

namespace machinist {

template <typename Undo>
class ScopeExit {
public:
    explicit ScopeExit(Undo undo) : undo_(std::move(undo)) {}
    ScopeExit(const ScopeExit&) = delete;
    ScopeExit& operator=(const ScopeExit&) = delete;
    ~ScopeExit() {
        if (armed_)
            undo_();
    }
    void release() {
        armed_ = false;
    }

private:
    Undo undo_;
    bool armed_ = true;
};

} // namespace machinist
