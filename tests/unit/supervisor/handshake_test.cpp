// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/handshake.hpp"

#include "kernel/files.hpp"
#include "kernel/sockets.hpp"

#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace machinist {

namespace {

UniqueFd signals_of_ours() {
    sigset_t wanted;
    ::sigemptyset(&wanted);
    ::sigaddset(&wanted, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
    return UniqueFd{::signalfd(-1, &wanted, SFD_CLOEXEC)};
}

std::string text_of_failure(const auto& body) {
    try {
        body();
    } catch (const Failure& failure) {
        return failure.what();
    }
    return "no failure";
}

} // namespace

TEST(AHandshake, CarriesDescriptorsWithTheWordToGo) {
    const auto [launcher, payload] = make_message_socket_pair();
    const UniqueFd file = open_path("/proc/self/status", O_RDONLY);

    send_word(launcher, Message::go, {file.get()});
    const HandshakeMessage message = receive_handshake(payload, Message::go);

    ASSERT_EQ(message.descriptors.size(), 1U);
    EXPECT_EQ(status_of(message.descriptors[0]).st_ino, status_of(file).st_ino);
    EXPECT_EQ(::fcntl(message.descriptors[0].get(), F_GETFD), FD_CLOEXEC);
}

TEST(AHandshake, TakesNoOtherWordThanTheOneThatIsDue) {
    const auto [launcher, payload] = make_message_socket_pair();

    send_word(launcher, Message::execute);

    EXPECT_EQ(text_of_failure([&] { receive_handshake(payload, Message::go); }), "wait for message 1: message 3 came");
}

TEST(AHandshake, TellsThePayloadThatTheLauncherIsGone) {
    auto [launcher, payload] = make_message_socket_pair();
    launcher.reset();

    EXPECT_EQ(text_of_failure([&] { receive_handshake(payload, Message::go); }), "wait for the launcher: it is gone");
}

TEST(AHandshake, EndsInSuccessWhenThePayloadsEndCloses) {
    auto [launcher, payload] = make_message_socket_pair();
    const UniqueFd signals = signals_of_ours();
    payload.reset();

    EXPECT_NO_THROW(wait_for_execution(launcher, signals));
}

TEST(AHandshake, BringsThePayloadsFailureAsItWasThere) {
    const auto [launcher, payload] = make_message_socket_pair();
    const UniqueFd signals = signals_of_ours();
    Failure failure = system_failure("execute '/bin/nothing'", ENOENT);
    failure.add_context("execute the payload");

    send_failure(payload, failure);

    EXPECT_EQ(text_of_failure([&] { wait_for_execution(launcher, signals); }), failure.what());
}

TEST(AHandshake, KeepsWhyThePayloadNoLongerListens) {
    auto [launcher, payload] = make_message_socket_pair();
    send_failure(payload, Failure{FailureKind::hostile, "mount '/dev'"});
    payload.reset();

    EXPECT_EQ(text_of_failure([&] { send_word(launcher, Message::execute); }),
              "the machine's first process has been killed");
    const auto cause = failure_left_behind(launcher);
    ASSERT_TRUE(cause);
    EXPECT_STREQ(cause->what(), "mount '/dev'");
}

TEST(AHandshake, BringsAFailureEvenIfAWordOfOursWasNeverRead) {
    auto [launcher, payload] = make_message_socket_pair();
    const UniqueFd signals = signals_of_ours();
    send_word(launcher, Message::execute);
    send_failure(payload, Failure{FailureKind::hostile, "mount '/dev'"});
    payload.reset();

    EXPECT_EQ(text_of_failure([&] { wait_for_execution(launcher, signals); }), "mount '/dev'");
}

TEST(AHandshake, IsGivenUpWhenASignalAsksForIt) {
    const auto [launcher, payload] = make_message_socket_pair();
    const UniqueFd signals = signals_of_ours();
    ::kill(::getpid(), SIGUSR1);

    EXPECT_EQ(text_of_failure([&] { wait_for_execution(launcher, signals); }),
              "wait for the machine's first process: interrupted by a signal");

    signalfd_siginfo taken{};
    EXPECT_EQ(::read(signals.get(), &taken, sizeof taken), static_cast<ssize_t>(sizeof taken));
}

TEST(AHandshake, DoesNotMakeAFailureOfBytesThatAreNone) {
    const auto [launcher, payload] = make_message_socket_pair();
    const UniqueFd signals = signals_of_ours();

    send_message(payload, "\x02junk");

    EXPECT_EQ(text_of_failure([&] { wait_for_execution(launcher, signals); }),
              "read the failure of the machine's first process");
}

} // namespace machinist
