#include "tests/unit/server/console_frames.hpp"
#include "tests/unit/server/worker_rig.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::server {
namespace {

/// Room for one client with half a startup packet and little else.
constexpr std::uint64_t tight = 50'000;

config::Settings settings_with(std::uint64_t buffer_memory_max) {
    config::Settings settings = WorkerRig::settings_sample();
    settings.server.buffer_memory_max = buffer_memory_max;
    settings.postgres.pool_size = 1;
    settings.postgres.stats_users = {"ann"};
    return settings;
}

void send_in_pieces(WorkerRig& rig, int socket, const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size() && !rig.is_ended(socket); at += 4096) {
        rig.send(socket, bytes.substr(at, 4096));
        rig.turns(3);
    }
}

/// A startup packet of 60,000 bytes, of which the first `count` come.
std::string half_a_startup(std::size_t count) {
    std::string packet;
    wire::Writer(packet).u32(60'000).u32(0x30000);
    return packet.append(count - packet.size(), 'x');
}

std::uint64_t counted(WorkerRig& rig) {
    return rig.worker(0).counters.refusals[static_cast<std::size_t>(RefusalReason::buffers_spent)];
}

TEST(Buffers, spent_before_a_login_are_told_and_counted) {
    WorkerRig rig(settings_with(tight));
    const int first = rig.connect();
    send_in_pieces(rig, first, half_a_startup(30'000));
    EXPECT_FALSE(rig.is_ended(first));
    const int second = rig.connect();
    send_in_pieces(rig, second, half_a_startup(30'000));
    EXPECT_TRUE(rig.is_ended(second));
    EXPECT_EQ(refusal_of(rig.take(second)), "53200");
    EXPECT_EQ(counted(rig), 1U);
    EXPECT_FALSE(rig.is_ended(first));
    EXPECT_FALSE(rig.log_in(rig.connect()).empty());
}

TEST(Buffers, spent_while_a_client_waits_are_told_and_counted) {
    WorkerRig rig(settings_with(tight));
    ASSERT_FALSE(rig.busy_client().empty());
    const int waiting = rig.connect();
    ASSERT_FALSE(rig.log_in(waiting).empty());
    send_in_pieces(rig, waiting, query_frame(std::string(60'000, ' ')));
    EXPECT_TRUE(rig.is_ended(waiting));
    EXPECT_EQ(refusal_of(rig.take(waiting)), "53200");
    EXPECT_EQ(counted(rig), 1U);
    EXPECT_EQ(rig.shared->buffers.used(), 0U);
}

TEST(Buffers, spent_by_a_client_that_does_not_read_are_counted) {
    WorkerRig rig(settings_with(tight));
    const int reader = rig.connect();
    ASSERT_FALSE(rig.log_in(reader).empty());
    rig.send(reader, query_frame("SELECT pg_sleep(1)"));
    rig.turns();
    send_in_pieces(rig, rig.connect(), half_a_startup(30'000));
    // The pipe holds 16 KiB; what follows is kept, and there is no room for it.
    const std::string row = client_frame('D', std::string(4'000, 'r'));
    for (int count = 0; count < 12 && !rig.is_ended(reader); ++count) {
        rig.send(rig.database_session(), row);
        rig.turns();
    }
    EXPECT_TRUE(rig.is_ended(reader));
    EXPECT_EQ(counted(rig), 1U);
}

TEST(Buffers, spent_by_half_a_message_of_the_backend_are_told_to_its_client) {
    WorkerRig rig(settings_with(tight));
    const int client = rig.connect();
    ASSERT_FALSE(rig.log_in(client).empty());
    rig.send(client, query_frame("SELECT pg_sleep(1)"));
    rig.turns();
    send_in_pieces(rig, rig.connect(), half_a_startup(30'000));
    // What concerns this program too is read whole before it is passed on.
    const std::string status =
        client_frame('S', "name" + std::string(1, '\0') + std::string(12'000, 'v') + '\0');
    send_in_pieces(rig, rig.database_session(), status);
    EXPECT_TRUE(rig.is_ended(client));
    EXPECT_EQ(refusal_of(rig.take(client)), "53200");
    EXPECT_EQ(counted(rig), 1U);
}

TEST(Buffers, spent_by_the_console_are_told_and_counted) {
    WorkerRig rig(settings_with(tight));
    const int console = rig.connect();
    ASSERT_FALSE(rig.log_in(console, "ann", "sluice").empty());
    send_in_pieces(rig, rig.connect(), half_a_startup(30'000));
    send_in_pieces(rig, console, query_frame("SHOW VERSION" + std::string(14'000, ' ')));
    EXPECT_EQ(refusal_of(rig.take(console)), "53200");
    EXPECT_EQ(counted(rig), 1U);
}

}  // namespace
}  // namespace sluice::server
