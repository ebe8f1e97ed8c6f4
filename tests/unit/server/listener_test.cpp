#include "server/listener.hpp"

#include "tests/unit/server/worker_rig.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>

namespace sluice::server {
namespace {

using namespace std::chrono_literals;

TEST(Listener, goes_on_when_the_system_watches_sockets_again) {
    WorkerRig rig(WorkerRig::settings_sample());
    test::SimEngine& engine = *rig.engines[0];
    Worker& worker = rig.worker(0);
    // Not listening, so that the first accept fails.
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ASSERT_GE(fd, 0);
    engine.set_watches_left(1);
    worker.listen({fd, {}}, Side::postgres);
    net::Watcher* const watcher = engine.watcher_of(fd);
    ASSERT_NE(watcher, nullptr);
    watcher->ready();
    EXPECT_EQ(engine.watcher_of(fd), nullptr) << "it pauses";
    EXPECT_EQ(worker.counters.accept_failures, 1U);
    for (const unsigned failures : {2U, 3U}) {
        rig.advance(150ms);
        rig.turns(1);
        EXPECT_EQ(engine.watcher_of(fd), nullptr);
        EXPECT_EQ(worker.counters.accept_failures, failures);
    }
    engine.set_watches_left(1);
    rig.advance(150ms);
    rig.turns(1);
    EXPECT_EQ(engine.watcher_of(fd), watcher);
    EXPECT_EQ(worker.counters.accept_failures, 3U);
    rig.advance(150ms);
    rig.turns(1);
    EXPECT_EQ(worker.counters.accept_failures, 3U) << "nothing is left to try again";
}

TEST(Listener, does_not_begin_unwatched) {
    WorkerRig rig(WorkerRig::settings_sample());
    rig.engines[0]->set_watches_left(0);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ASSERT_GE(fd, 0);
    EXPECT_THROW(rig.worker(0).listen({fd, {}}, Side::postgres), std::system_error);
}

}  // namespace
}  // namespace sluice::server
