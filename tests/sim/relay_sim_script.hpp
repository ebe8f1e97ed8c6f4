#pragma once

#include "tests/harness/random.hpp"
#include "tests/sim/relay_sim_model.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace sluice::sim {

/// One thing that a simulated client does.
struct Step {
    enum class Kind : std::uint8_t { send, await_answers, pause };
    Kind kind = Kind::send;
    std::vector<Frame> frames;  ///< For send.
    milliseconds pause{0};
};

/// How a family of clients behaves; chances per mille.
struct Habits {
    std::size_t operations_max = 6;
    unsigned extended = 450;
    unsigned transaction = 200;
    unsigned bare_blocks =
        0;  ///< Of transactions: BEGIN and its end in words that are everybody's.
    unsigned copy = 120;
    unsigned fails = 150;
    unsigned keeps_state = 40;
    unsigned statements = 0;  ///< Of a batch: names statements, in any order, also wrong ones.
    unsigned large = 40;
    unsigned slow_query = 40;
    unsigned pipelines = 350;  ///< Does not wait for the answers to an operation.
    unsigned stalls = 0;       ///< Of a portal with a row limit: pauses before it goes on.
    unsigned dies = 0;         ///< Of an operation: asks the database to end the session.
    std::size_t think_ms_max = 20;

    // In each turn.
    unsigned vanishes = 0;
    unsigned cancels = 0;
    unsigned hostile = 0;

    // Of a client.
    unsigned byte_by_byte = 60;
    unsigned slow_reader = 60;
};

/// Writes what one client will do, from its login to its farewell.
[[nodiscard]] std::deque<Step> write_script(test::Random& random, const Habits& habits,
                                            std::uint32_t client);

}  // namespace sluice::sim
