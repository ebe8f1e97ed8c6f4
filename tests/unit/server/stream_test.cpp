// What becomes of a stream whose peer sends no more.

#include "server/net/stream.hpp"

#include "tests/harness/sim_engine.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sluice::net {
namespace {

enum class Courtesy : std::uint8_t { leaves, stays };

class Listener final : public Stream {
  public:
    Listener(Engine& engine, Courtesy courtesy) : Stream(engine), courtesy_(courtesy) {}

    std::string heard;
    int input_ends = 0;
    int ends = 0;

  private:
    void received(wire::Bytes bytes) override { heard += wire::as_text(bytes); }
    void output_drained() override {}
    void input_ended() override {
        ++input_ends;
        if (courtesy_ == Courtesy::stays) {
            keep_for_output();
        } else {
            Stream::input_ended();
        }
    }
    void ended(int) override { ++ends; }

    Courtesy courtesy_;
};

struct Rig {
    BufferBudget buffers{1'000'000};
    test::SimNetwork network{1};
    std::unique_ptr<test::SimEngine> engine;
    std::pair<int, int> ends;

    Rig() {
        network.weather.latency_ms_max = 0;
        network.weather.short_transfer = 0;
        network.weather.false_alarm = 0;
        engine = std::make_unique<test::SimEngine>(network, buffers);
        ends = network.make_pair();
    }
    void turns() {
        for (int turn = 0; turn < 5; ++turn) {
            engine->turn();
            network.advance(test::milliseconds(1));
        }
    }
};

TEST(Stream, ends_with_its_peers_output_unless_told_otherwise) {
    Rig rig;
    Listener stream(*rig.engine, Courtesy::leaves);
    stream.open(rig.ends.first);
    (void)rig.network.write(rig.ends.second, wire::as_bytes("last"));
    rig.network.shut_down(rig.ends.second);
    rig.turns();
    EXPECT_EQ(stream.heard, "last");
    EXPECT_EQ(stream.ends, 1);
    EXPECT_FALSE(stream.is_open());
}

TEST(Stream, sends_to_a_peer_that_sends_no_more) {
    Rig rig;
    Listener stream(*rig.engine, Courtesy::stays);
    stream.open(rig.ends.first);
    (void)rig.network.write(rig.ends.second, wire::as_bytes("last"));
    rig.network.shut_down(rig.ends.second);
    rig.turns();
    EXPECT_EQ(stream.heard, "last");
    EXPECT_EQ(stream.input_ends, 1) << "heard of once, not in each turn";
    EXPECT_EQ(stream.ends, 0);
    EXPECT_TRUE(stream.reception_ended());
    stream.resume_reception();
    rig.turns();
    EXPECT_EQ(stream.input_ends, 1) << "there is no more to receive";
    stream.send(std::string_view("reply"));
    rig.turns();
    std::array<std::byte, 16> room{};
    ASSERT_EQ(rig.network.read(rig.ends.second, room), 5);
    stream.close_after_output();
    rig.turns();
    EXPECT_EQ(stream.ends, 1);
}

TEST(Stream, that_only_sends_hears_of_a_reset) {
    Rig rig;
    Listener stream(*rig.engine, Courtesy::stays);
    stream.open(rig.ends.first);
    rig.network.shut_down(rig.ends.second);
    rig.turns();
    rig.network.reset(rig.ends.second);
    rig.turns();
    EXPECT_EQ(stream.ends, 1);
    EXPECT_FALSE(stream.is_open());
}

}  // namespace
}  // namespace sluice::net
