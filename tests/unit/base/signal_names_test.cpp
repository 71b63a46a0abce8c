// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/signal_names.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace machinist {

TEST(ASignal, IsNamedWithOrWithoutSigOrByNumber) {
    EXPECT_EQ(parse_signal("SIGTERM"), SIGTERM);
    EXPECT_EQ(parse_signal("TERM"), SIGTERM);
    EXPECT_EQ(parse_signal("15"), SIGTERM);
    EXPECT_EQ(parse_signal("SIGRTMIN+3"), SIGRTMIN + 3);
    EXPECT_EQ(parse_signal("RTMAX-1"), SIGRTMAX - 1);
    EXPECT_EQ(parse_signal("SIGRTMIN"), SIGRTMIN);
}

TEST(ASignal, IsNothingOutsideOfWhatCanBeSent) {
    for (const char* text : {"", "0", "-1", "65", "SIG", "FOO", "RTMIN-1", "RTMAX+1", "RTMIN+", "RTMIN3", "RTMIN+99"})
        EXPECT_FALSE(parse_signal(text)) << text;
}

TEST(EverySignalName, IsReadBackAsTheSameName) {
    for (const std::string& name : all_signal_names())
        EXPECT_EQ(signal_name(parse_signal(name).value_or(0)), name);
}

} // namespace machinist
