// BackendSession against a model of the backend, on random pipelines delivered at random speed.

#include "backend_talk.hpp"
#include "model_backend.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::pg::test {
namespace {

struct Run {
    explicit Run(std::uint64_t seed) : random(seed) {}

    std::size_t below(std::size_t bound) {
        return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
    }

    SentFrame random_frame() {
        static constexpr std::string_view letters = "QQSSSSEEEEPBDCFHddccf";
        static constexpr std::string_view copy_letters = "ddddccccfSSH";
        // What else is sent into a COPY ends the session.
        const std::string_view set = model.copying() && below(40) > 0 ? copy_letters : letters;
        SentFrame frame{set[below(set.size())]};
        const std::size_t dice = below(20);
        const bool may_copy = frame.letter == 'Q' || frame.letter == 'E';
        if (dice < 3) frame.outcome = Outcome::fails;
        if (may_copy && dice >= 10) frame.outcome = Outcome::copies_in;
        if (may_copy && dice == 18) frame.outcome = Outcome::copies_in_twice;
        if (may_copy && dice == 19) frame.outcome = Outcome::copies_in_and_fails_at_once;
        return frame;
    }

    void send(SentFrame frame) {
        static constexpr std::string_view outcome_marks = " !+~2";
        sent += frame.letter;
        sent += outcome_marks[static_cast<std::size_t>(frame.outcome)];
        model.read(frame);
        talk.send(std::string_view(&frame.letter, 1));
    }

    void deliver_one() { talk.receive(model.replies()[delivered++]); }
    [[nodiscard]] bool all_delivered() const { return delivered == model.replies().size(); }

    void check() const {
        ASSERT_FALSE(talk.violated) << sent;
        // The rule of release: nothing owed, and idle.
        ASSERT_TRUE(!talk.session.releasable() || (all_delivered() && model.idle()))
            << sent << "| " << transcript();
    }

    [[nodiscard]] std::string transcript() const {
        std::string out;
        for (std::size_t at = 0; at < delivered; ++at)
            out += model.replies()[at] + " ";
        return out;
    }

    std::mt19937_64 random;
    ModelBackend model;
    Talk talk;
    std::string sent;
    std::size_t delivered = 0;
};

void run(std::uint64_t seed, std::size_t* doubt_count) {
    Run run(seed);
    const std::size_t frame_count = 1 + run.below(24);
    for (std::size_t at = 0; at < frame_count && !run.model.closed(); ++at) {
        run.send(run.random_frame());
        run.check();
        for (std::size_t steps = run.below(6); steps > 0 && !run.all_delivered(); --steps) {
            run.deliver_one();
            run.check();
            if (::testing::Test::HasFatalFailure()) {
                ADD_FAILURE() << "seed " << seed << " after " << run.sent;
                return;
            }
        }
    }
    if (run.model.closed()) return;
    while (!run.all_delivered())
        run.deliver_one();
    run.check();
    std::string all;
    for (const std::string& token : run.model.replies())
        all += reply(token);
    EXPECT_EQ(run.talk.to_client, all) << "seed " << seed;

    // The client leaves: in a few rounds the backend is provably clean, or given up.
    for (int round = 0; round < 8 && !run.talk.session.releasable(); ++round) {
        if (run.talk.session.in_doubt()) break;
        for (const char letter : run.talk.recover())
            run.model.read({letter});
        while (!run.all_delivered())
            run.deliver_one();
        run.check();
    }
    *doubt_count += run.talk.session.in_doubt() ? 1U : 0U;
    EXPECT_TRUE(run.talk.session.releasable() || run.talk.session.in_doubt())
        << "seed " << seed << " after " << run.sent;
}

TEST(RandomConversations, agree_with_a_model_of_the_backend) {
    std::size_t doubt_count = 0;
    for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
        run(seed, &doubt_count);
        if (HasFailure()) return;
    }
    EXPECT_LT(doubt_count, 500U) << "giving a backend up is the exception";
}

}  // namespace
}  // namespace sluice::pg::test
