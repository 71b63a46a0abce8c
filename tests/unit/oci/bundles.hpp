// SPDX-License-Identifier: LGPL-2.1-or-later
// Bundles for tests: config.json with some members, and what becomes of it.
#pragma once

#include "oci/bundle.hpp"

#include <gtest/gtest.h>
#include <string>

namespace machinist::test {

inline constexpr const char* all_namespaces =
    R"({"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "cgroup"})";

// A bundle with these members beside what every one has.
inline std::string bundle_with(const std::string& process, const std::string& linux_part = "",
                               const std::string& more = "") {
    return R"({"ociVersion": "1.2.0", "root": {"path": "rootfs"}, "process": {"args": ["/bin/sh"], "cwd": "/")" +
           (process.empty() ? "" : ", " + process) + R"(}, "linux": {"namespaces": [)" + all_namespaces + "]" +
           (linux_part.empty() ? "" : ", " + linux_part) + "}" + (more.empty() ? "" : ", " + more) + "}";
}

inline Bundle read_config(const std::string& text, Manner manner = Manner::machinist) {
    return read_bundle(text, "/srv/bundle", manner);
}

inline std::string told(const Problems& problems) {
    std::string all;
    for (const Problem& problem : problems)
        all += text_of(problem) + "\n";
    return all;
}

inline std::string refused(const std::string& text, Manner manner = Manner::machinist) {
    return told(read_config(text, manner).problems);
}

inline std::string warned(const std::string& text, Manner manner = Manner::machinist) {
    const Bundle bundle = read_config(text, manner);
    EXPECT_EQ(told(bundle.problems), "");
    return told(bundle.warnings);
}

inline Bundle accepted(const std::string& text) {
    Bundle bundle = read_config(text);
    EXPECT_EQ(told(bundle.problems) + told(bundle.warnings), "");
    return bundle;
}

} // namespace machinist::test
