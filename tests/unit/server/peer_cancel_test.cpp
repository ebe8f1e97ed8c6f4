// Cancel requests whose client is another instance's. The simulated database stands for the peers:
// it keeps what it is sent open until it is told to close it.

#include "server/pg/peer_cancel.hpp"

#include "protocol/wire/writer.hpp"

#include "tests/unit/server/worker_rig.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::server {
namespace {

constexpr std::string_view mark{"\0sluice\1", 8};

std::string packet(std::string_view key) {
    std::string out;
    wire::Writer(out).begin_frame('\0').u32((1234U << 16U) | 5678U).u32(77).raw(key).end_frame();
    return out;
}

struct Peers {
    explicit Peers(std::uint32_t instance, std::uint32_t max_cancels = 64)
        : rig(settings(instance, max_cancels), 2) {}

    static config::Settings settings(std::uint32_t instance, std::uint32_t max_cancels) {
        config::Settings settings = WorkerRig::settings_sample();
        const config::HostPort address = settings.postgres.databases.at("app").hosts.at(0);
        settings.postgres.instance = instance;
        settings.postgres.peers = {{2, address}, {3, address}, {3, address}};
        if (instance == 0) settings.postgres.peers = {{0, address}};
        settings.postgres.max_cancels = max_cancels;
        settings.postgres.cancel_wait_timeout = config::Duration(1'000);
        return settings;
    }
    int ask(std::string_view key) {
        const int client = rig.connect();
        rig.send(client, packet(key));
        rig.turns();
        return client;
    }
    [[nodiscard]] const WorkerCounters& counters() { return rig.worker(0).counters; }

    WorkerRig rig;
};

TEST(PeerCancels, sends_a_key_to_the_instance_that_it_names) {
    for (const std::string& key : {std::string("\2abc"), "\2abc" + std::string(28, 'k')}) {
        Peers peers(1);
        const int client = peers.ask(key);
        EXPECT_EQ(peers.rig.cancel_count(), 1U);
        EXPECT_FALSE(peers.rig.is_ended(client)) << "clients rely on the signal being sent then";
        peers.rig.answer_cancels();
        peers.rig.turns();
        EXPECT_TRUE(peers.rig.is_ended(client));
        EXPECT_EQ(peers.counters().peer_cancels, 1U);
        EXPECT_EQ(peers.counters().cancels_dropped, 0U);
        EXPECT_EQ(peers.rig.shared->cancels.used(), 0U);
    }
}

TEST(PeerCancels, asks_all_that_may_be_meant) {
    Peers numbered(1);
    numbered.ask("\3abc");
    EXPECT_EQ(numbered.rig.cancel_count(), 2U);
    Peers named(0);
    named.ask("\7abc");
    EXPECT_EQ(named.rig.cancel_count(), 1U) << "of whoever is behind the name";
}

TEST(PeerCancels, sends_nothing_twice_and_nothing_of_its_own) {
    Peers peers(1);
    for (const std::string& key :
         {"\2abc" + std::string(mark), std::string("\1abc"), std::string("\4abc"),
          std::string("\2a"), "\2abc" + std::string(250, 'x')}) {
        const int client = peers.ask(key);
        EXPECT_TRUE(peers.rig.is_ended(client));
    }
    EXPECT_EQ(peers.rig.cancel_count(), 0U);
    EXPECT_EQ(peers.counters().cancels_dropped, 5U);
}

TEST(PeerCancels, carries_out_what_a_peer_sends) {
    Peers peers(5);
    std::string cancel = peers.rig.busy_client(1);
    EXPECT_EQ(cancel[12], '\5') << "its own number";
    cancel += mark;
    cancel[3] = static_cast<char>(cancel.size());
    peers.rig.send(peers.rig.connect(), cancel);
    peers.rig.turns();
    EXPECT_EQ(peers.rig.cancel_count(), 1U);
    EXPECT_EQ(peers.counters().peer_cancels + peers.counters().peer_cancels_failed, 0U);
}

TEST(PeerCancels, is_bounded_and_gives_up) {
    Peers peers(1, 1);
    const int first = peers.ask("\2abc");
    const int second = peers.ask("\2abc");
    EXPECT_EQ(peers.rig.cancel_count(), 1U);
    EXPECT_TRUE(peers.rig.is_ended(second));
    EXPECT_EQ(peers.counters().peer_cancels_failed, 1U);
    peers.rig.advance(std::chrono::milliseconds(900));
    peers.rig.turns();
    EXPECT_FALSE(peers.rig.is_ended(first));
    peers.rig.advance(std::chrono::milliseconds(200));
    peers.rig.turns();
    EXPECT_TRUE(peers.rig.is_ended(first));
    EXPECT_EQ(peers.counters().peer_cancels_failed, 2U);
    EXPECT_EQ(peers.rig.shared->cancels.used(), 0U);
}

TEST(PeerCancels, half_of_the_bound_stays_for_clients_that_are_here) {
    Peers peers(1, 5);
    for (int sent = 0; sent < 4; ++sent)
        peers.ask("\2abc");
    EXPECT_EQ(peers.rig.cancel_count(), 3U);
    EXPECT_EQ(peers.counters().peer_cancels_failed, 1U);
    peers.rig.send(peers.rig.connect(), peers.rig.busy_client(1));
    peers.rig.turns();
    EXPECT_EQ(peers.rig.cancel_count(), 4U);
}

TEST(PeerCancels, numbers_are_the_first_byte_of_a_secret) {
    EXPECT_EQ(PeerCancels::secret_of(0, 0xfedcba98U), 0xfedcba98U);
    EXPECT_EQ(PeerCancels::secret_of(1, 0xfedcba98U), 0x01dcba98U);
    EXPECT_EQ(PeerCancels::secret_of(255, 0), 0xff000000U);
    std::string key = "abcd" + std::string(mark);
    EXPECT_TRUE(PeerCancels::take_mark(key));
    EXPECT_EQ(key, "abcd");
    EXPECT_FALSE(PeerCancels::take_mark(key));
    key = mark;
    EXPECT_FALSE(PeerCancels::take_mark(key)) << "it is the key itself";
}

}  // namespace
}  // namespace sluice::server
