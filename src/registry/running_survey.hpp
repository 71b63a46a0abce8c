// SPDX-License-Identifier: LGPL-2.1-or-later
// A survey of machines while it is done, by a process that can be waited for with others.
#pragma once

#include "registry/answering_process.hpp"
#include "registry/survey.hpp"

#include <chrono>
#include <map>

namespace machinist {

class RunningSurvey {
public:
    // Throws Failure(not_permitted) unless this process is root.
    RunningSurvey(const std::vector<SurveyTarget>& targets, const SurveyWish& wish);

    // Readable once take() does not wait.
    [[nodiscard]] BorrowedFd socket() const {
        return process_.socket();
    }
    // Takes one more message; false at the end.
    bool take();
    // What has been found out so far, by the number of the leader.
    [[nodiscard]] const std::map<pid_t, SurveyFinding>& findings() const {
        return findings_;
    }

private:
    AnsweringProcess process_;
    std::map<pid_t, SurveyFinding> findings_;
};

// Until its end, or for so long; what is not known by then is missing.
std::map<pid_t, SurveyFinding> survey_machines(const std::vector<SurveyTarget>& targets, const SurveyWish& wish,
                                               std::chrono::milliseconds patience);

} // namespace machinist
