#include "protocol/pg/notification.hpp"

#include "server/pg/listening_backend.hpp"

#include "tests/unit/server/console_frames.hpp"
#include "tests/unit/server/worker_rig.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace sluice::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A worker, and clients that ask it to listen.
struct Listeners {
    explicit Listeners(const config::Settings& settings = WorkerRig::settings_sample(),
                       unsigned worker_count = 1)
        : rig(settings, worker_count) {}

    /// What a new client is told at once about LISTEN; its socket is `last`.
    std::string listen(std::string_view channel, unsigned worker = 0) {
        last = rig.connect(worker);
        std::ignore = rig.log_in(last);
        rig.send(last, query_frame("LISTEN " + std::string(channel)));
        rig.turns();
        return rig.take(last);
    }
    /// The connection that listens began last, and breaks down.
    void lose() { rig.end_database_session(rig.database_session()); }

    WorkerRig rig;
    int last = -1;
};

config::Settings settings_with_buffer(config::Settings settings) {
    settings.postgres.listener_buffer_max = 256U * 1024;
    return settings;
}

/// The worker where the connection that listens is.
unsigned home_of(WorkerRig& rig) {
    return listening_home(rig.worker(0), "127.0.0.1:5432,app").index();
}

bool listens(std::string_view reply) {
    return reply.find("LISTEN") != std::string_view::npos;
}

TEST(Listening, a_single_loss_is_made_good_at_once) {
    Listeners all;
    ASSERT_TRUE(listens(all.listen("news")));
    const unsigned before = all.rig.database_session_count();
    all.lose();
    all.rig.turns();
    EXPECT_EQ(all.rig.database_session_count(), before + 1);
    EXPECT_TRUE(listens(all.listen("more")));
}

TEST(Listening, a_server_that_breaks_each_connection_is_asked_less_and_less_often) {
    Listeners all;
    ASSERT_TRUE(listens(all.listen("news")));
    const unsigned before = all.rig.database_session_count();
    for (int tenth = 0; tenth < 300; ++tenth) {  // Half a minute.
        all.lose();
        all.rig.advance(milliseconds(70));
        all.rig.turns();
    }
    const unsigned logins = all.rig.database_session_count() - before;
    EXPECT_GE(logins, 6U);
    EXPECT_LE(logins, 9U);  // At once, and 100 ms later, 200 ms, and so on up to 12.8 s.
}

TEST(Listening, a_few_losses_are_waited_out_and_more_are_not) {
    Listeners all;
    ASSERT_TRUE(listens(all.listen("news")));
    all.lose();
    all.rig.turns();  // The first has been made good at once.
    unsigned before = 0;
    for (int loss = 2; loss <= 6; ++loss) {
        all.lose();
        all.rig.turns();
        before = all.rig.database_session_count();
        const std::string reply = all.listen("more");
        EXPECT_FALSE(listens(reply)) << loss;
        EXPECT_EQ(refusal_of(reply), loss <= 5 ? "" : "08006") << loss;
        all.rig.advance(milliseconds(100 << (loss - 2)) + milliseconds(50));
        all.rig.turns();
        EXPECT_EQ(all.rig.database_session_count(), before + 1) << loss;
        EXPECT_EQ(listens(all.rig.take(all.last)), loss <= 5) << loss;
    }
    EXPECT_TRUE(listens(all.listen("more")));
    before = all.rig.database_session_count();
    // It has lived long: its end is a single loss again.
    all.rig.advance(seconds(11));
    all.lose();
    all.rig.turns();
    EXPECT_EQ(all.rig.database_session_count(), before + 1);
}

TEST(Listening, an_answer_that_stays_away_is_waited_for_as_long_as_a_connect) {
    config::Settings settings = WorkerRig::settings_sample();
    settings.postgres.server_connect_timeout = config::Duration(2'000);
    Listeners all(settings);
    EXPECT_EQ(all.listen("sleep"), "");  // The database never ends that.
    const int waiting = all.last;
    EXPECT_EQ(all.listen("news"), "") << "it is behind the other";
    all.rig.advance(milliseconds(1'800));
    all.rig.turns();
    EXPECT_EQ(all.rig.take(waiting), "");
    all.rig.advance(milliseconds(200));
    all.rig.turns();
    EXPECT_EQ(refusal_of(all.rig.take(waiting)), "08006");
    EXPECT_EQ(refusal_of(all.rig.take(all.last)), "08006");
    EXPECT_TRUE(listens(all.listen("news")));
}

TEST(Listening, an_answer_is_waited_for_without_end_at_zero) {
    config::Settings settings = WorkerRig::settings_sample();
    settings.postgres.server_connect_timeout = config::Duration(0);
    Listeners all(settings);
    EXPECT_EQ(all.listen("sleep"), "");
    all.rig.advance(std::chrono::hours(1));
    all.rig.turns();
    EXPECT_EQ(all.rig.take(all.last), "");
}

/// The database notifies while the worker of the listener stands still.
TEST(Listening, what_is_on_its_way_to_a_worker_is_bounded) {
    config::Settings settings = WorkerRig::settings_sample();
    for (const std::size_t kib : {255U, 257U}) {
        Listeners all(settings_with_buffer(settings), 2);
        const unsigned home = home_of(all.rig);
        const unsigned away = 1 - home;
        ASSERT_TRUE(listens(all.listen("news", away)));
        const int listener = all.last;
        std::string frame;
        pg::append_notification(frame, {7, "news", std::string(1024 - 15, 'x')});
        ASSERT_EQ(frame.size(), 1024U);
        for (std::size_t sent = 0; sent < kib; ++sent) {
            all.rig.send(all.rig.database_session(), frame);
            all.rig.network.advance(std::chrono::milliseconds(1));
            all.rig.engines[home]->turn();
        }
        std::string heard;
        for (int round = 0; round < 30; ++round) {
            all.rig.turns();
            heard += all.rig.take(listener);
        }
        const bool cut = kib > 256;
        if (!cut) {
            EXPECT_EQ(heard.size(), 255U * 1024);
        }
        EXPECT_EQ(refusal_of(heard), cut ? "53200" : "");
        EXPECT_EQ(all.rig.is_ended(listener), cut) << kib;
        EXPECT_EQ(all.rig.worker(away).channels().notifications, cut ? 256U : 255U);
        // Who comes after that listens as ever.
        ASSERT_TRUE(listens(all.listen("news", away)));
        all.rig.send(all.rig.database_session(), frame);
        all.rig.turns();
        EXPECT_EQ(all.rig.take(all.last), frame);
    }
}

}  // namespace
}  // namespace sluice::server
