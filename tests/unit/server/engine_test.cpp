#include "server/net/engine.hpp"

#include "server/net/stream.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>

namespace sluice::net {
namespace {

class Seen final : public Stream {
  public:
    Seen(Engine& engine, Engine* to_stop) : Stream(engine), to_stop_(to_stop) {}
    std::optional<int> error;
    std::string bytes;

  private:
    void received(wire::Bytes arrived) override {
        bytes += wire::as_text(arrived);
        to_stop_->stop();
    }
    void output_drained() override {}
    void ended(int reason) override {
        error = reason;
        EXPECT_FALSE(is_open());
    }

    Engine* to_stop_;
};

/// epoll takes no regular file; what it does not take for want of memory ends the same way.
TEST(EpollEngine, a_socket_that_cannot_be_watched_ends_alone) {
    BufferBudget budget(1 << 20);
    const std::unique_ptr<Engine> engine = make_epoll_engine(budget);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
    ASSERT_TRUE(file);
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    Seen unwatchable(*engine, engine.get());
    Seen connecting(*engine, engine.get());
    Seen other(*engine, engine.get());
    engine->post([&] {
        unwatchable.open(::dup(::fileno(file.get())));
        connecting.open_connecting(::dup(::fileno(file.get())));
        EXPECT_FALSE(unwatchable.error) << "told outside of the call";
        other.open(pair[0]);
        EXPECT_EQ(::send(pair[1], "x", 1, MSG_NOSIGNAL), 1);
    });
    engine->run();
    EXPECT_EQ(unwatchable.error, ENOSPC);
    EXPECT_EQ(connecting.error, ENOSPC);
    EXPECT_EQ(other.bytes, "x");
    EXPECT_FALSE(other.error);
    ::close(pair[1]);
}

}  // namespace
}  // namespace sluice::net
