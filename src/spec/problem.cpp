// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/problem.hpp"

#include <algorithm>

namespace machinist {

std::string text_of(const Problem& problem) {
    return problem.remedy.empty() ? problem.sentence : problem.sentence + "; try " + problem.remedy;
}

Failure failure_of(const Problems& problems) {
    std::string text;
    for (const Problem& problem : problems)
        text.append(text.empty() ? "" : "\n").append(text_of(problem));
    const bool usage = std::ranges::any_of(problems, [](const Problem& p) { return p.kind == FailureKind::usage; });
    return Failure{usage || problems.empty() ? FailureKind::usage : problems.front().kind, text};
}

} // namespace machinist
