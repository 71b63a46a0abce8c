// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kept_machine.hpp"

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <gmock/gmock.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace machinist {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t much = 10'000'000;

std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<char>(i * 2654435761U >> 13);
    return bytes;
}

void write_all(int number, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::write(number, bytes.data(), bytes.size());
        if (count <= 0)
            return;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

// What cat(1) does.
void copy_input_to_output() {
    char part[65536];
    for (;;) {
        const ssize_t count = ::read(0, part, sizeof part);
        if (count <= 0)
            ::_exit(0);
        write_all(1, {part, static_cast<std::size_t>(count)});
    }
}

class AMachineOnPipes : public AKeptMachine {
protected:
    AMachineOnPipes() {
        use_pipes();
    }
};

TEST_F(AMachineOnPipes, PassesTenMegabytesThroughBothWays) {
    const std::string bytes = pattern(much);
    Pipe in = make_pipe();
    input = std::move(in.reads);
    launch(copy_input_to_output);
    std::thread writer{[&] {
        write_all(in.writes.get(), bytes);
        in.writes.reset();
    }};

    const std::string echoed = all_output();
    writer.join();

    EXPECT_TRUE(echoed == bytes) << echoed.size();
    EXPECT_EQ(wait_for_end(), (Ended{true, 0}));
}

TEST_F(AMachineOnPipes, PassesFilesThrough) {
    const std::string bytes = pattern(300'000);
    std::ofstream{directory / "in"} << bytes;
    input = UniqueFd{::open((directory / "in").c_str(), O_RDONLY | O_CLOEXEC)};
    output = UniqueFd{::open((directory / "out").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};

    EXPECT_EQ(run(copy_input_to_output), (Ended{true, 0}));

    EXPECT_TRUE(text_of(directory / "out") == bytes);
}

TEST_F(AMachineOnPipes, PassesSocketsThrough) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const UniqueFd mine{ends[0]};
    input = UniqueFd{::fcntl(ends[1], F_DUPFD_CLOEXEC, 3)};
    output = UniqueFd{ends[1]};
    const std::string bytes = pattern(1'000'000);
    launch(copy_input_to_output);
    std::thread writer{[&] {
        write_all(mine.get(), bytes);
        ::shutdown(mine.get(), SHUT_WR);
    }};

    const std::string echoed = read_until(mine);
    writer.join();

    EXPECT_TRUE(echoed == bytes) << echoed.size();
    EXPECT_EQ(wait_for_end(), (Ended{true, 0}));
}

TEST_F(AMachineOnPipes, HasItsLastOutputPassedOnAfterItsEnd) {
    // Nobody reads until it has ended: what does not fit into our pipe is still in the machine's.
    const std::string bytes = pattern(65536 + 50'000);
    launch([&] {
        // The relay empties the first pipeful; the rest fits into the second.
        write_all(1, bytes);
        ::_exit(3);
    });
    wait_for_leader_end();

    EXPECT_TRUE(all_output() == bytes);
    EXPECT_EQ(wait_for_end(), (Ended{true, 3}));
}

TEST_F(AMachineOnPipes, KeepsItsStreamsApart) {
    run([] {
        write_all(1, "to output");
        write_all(2, "to errors");
        ::_exit(0);
    });

    EXPECT_EQ(all_output(), "to output");
    EXPECT_EQ(all_errors(), "to errors");
}

TEST_F(AMachineOnPipes, NeverHoldsTheCallersOwnDescriptors) {
    Pipe in = make_pipe();
    input = std::move(in.reads);
    launch([] {
        char target[64]{};
        for (int number = 0; number < 3; ++number) {
            const std::string link = "/proc/self/fd/" + std::to_string(number);
            const ssize_t size = ::readlink(link.c_str(), target, sizeof target);
            write_all(1, std::string{target, static_cast<std::size_t>(size)} + "\n");
        }
        ::_exit(0);
    });
    const std::string seen = all_output();
    char ours[64]{};
    const std::string link = "/proc/self/fd/" + std::to_string(in.writes.get());
    ASSERT_GT(::readlink(link.c_str(), ours, sizeof ours), 0);

    EXPECT_THAT(seen, HasSubstr("pipe:["));
    EXPECT_THAT(seen, ::testing::Not(HasSubstr(ours)));
    wait_for_end();
}

TEST_F(AMachineOnPipes, LearnsThatNobodyReadsItsOutput) {
    Pipe out = make_pipe();
    output = std::move(out.writes);
    launch([] {
        ::signal(SIGPIPE, SIG_DFL);
        const std::string line(4096, 'y');
        for (;;)
            write_all(1, line);
    });
    char some[100];
    ASSERT_EQ(::read(out.reads.get(), some, sizeof some), 100);
    out.reads.reset();

    // As in `yes | head -1`.
    EXPECT_EQ(wait_for_end(), (Ended{true, 1}));
    EXPECT_THAT(all_errors(), HasSubstr("terminated by signal PIPE"));
}

TEST_F(AMachineOnPipes, SeesTheEndOfItsInput) {
    // The default input is empty.
    EXPECT_EQ(run([] {
                  char one = 0;
                  ::_exit(::read(0, &one, 1) == 0 ? 4 : 5);
              }),
              (Ended{true, 4}));
}

TEST_F(AMachineOnPipes, MayCloseItsInputEarly) {
    Pipe in = make_pipe();
    input = std::move(in.reads);
    launch([this] {
        ::close(0);
        machine_says_go();
        ::pause();
    });
    wait_for_go();
    std::thread writer{[&] {
        ::signal(SIGPIPE, SIG_IGN);
        write_all(in.writes.get(), pattern(200'000));
    }};
    signal_supervisor(SIGTERM);

    EXPECT_EQ(wait_for_end(), (Ended{true, 1}));
    writer.join();
}

TEST_F(AMachineOnPipes, LeavesTheCallersDescriptionsBlocking) {
    Pipe in = make_pipe();
    const UniqueFd same_input{::fcntl(in.reads.get(), F_DUPFD_CLOEXEC, 3)};
    input = std::move(in.reads);
    const UniqueFd same_output{::fcntl(output.get(), F_DUPFD_CLOEXEC, 3)};
    launch([] {
        write_all(1, "here");
        ::pause();
    });
    output_until("here");

    EXPECT_EQ(::fcntl(same_input.get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(::fcntl(same_output.get(), F_GETFL) & O_NONBLOCK, 0);
    signal_supervisor(SIGTERM);
    wait_for_end();
}

TEST_F(AMachineOnPipes, CostsNothingWhileItsOutputIsNotRead) {
    launch([this] {
        ::signal(SIGALRM, SIG_DFL);
        ::fcntl(1, F_SETFL, O_NONBLOCK);
        const std::string part(4096, 'z');
        // Both pipes full: the relay has nothing that it could do.
        for (int idle = 0; idle < 20;) {
            if (::write(1, part.data(), part.size()) < 0) {
                ::usleep(1000);
                ++idle;
            } else
                idle = 0;
        }
        machine_says_go();
        ::pause();
    });
    wait_for_go();
    const long before = processor_ticks();
    ::usleep(100'000);

    EXPECT_LE(processor_ticks() - before, 1);

    // The first SIGTERM ends the machine; the second gives up what nobody reads.
    signal_supervisor(SIGTERM);
    wait_for_leader_end();
    signal_supervisor(SIGTERM);
    EXPECT_EQ(wait_for_end(), (Ended{true, 1}));
}

} // namespace
} // namespace machinist
