#include "tests/unit/server/console_frames.hpp"
#include "tests/unit/server/worker_rig.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sluice::server {
namespace {

config::Settings one_backend(config::PoolMode mode) {
    config::Settings settings = WorkerRig::settings_sample();
    settings.postgres.pool_mode = mode;
    settings.postgres.pool_size = 1;
    settings.postgres.wait_timeout = config::Duration(500);
    return settings;
}

std::string detail_of(std::string_view reply) {
    for (const SeenFrame& frame : frames_of(reply)) {
        if (frame.type != 'E') continue;
        const std::size_t at = frame.body.find(std::string_view("\0D", 2));
        return at == std::string::npos ? "none" : std::string(frame.body.c_str() + at + 2);
    }
    return "no error";
}

TEST(LinePosition, of_who_waits_in_a_login_is_told_as_it_was) {
    WorkerRig rig(one_backend(config::PoolMode::session));
    ASSERT_EQ(refusal_of(rig.log_in(rig.connect())), "");
    const int second = rig.connect();
    const int third = rig.connect();
    EXPECT_EQ(rig.log_in(second), "");
    EXPECT_EQ(rig.log_in(third), "");
    rig.advance(std::chrono::seconds(1));
    rig.turns();
    EXPECT_NE(detail_of(rig.take(second)).find("was number 1 in line on arrival, number 1 now."),
              std::string::npos);
    EXPECT_NE(detail_of(rig.take(third)).find("was number 2 in line on arrival"),
              std::string::npos);
}

TEST(LinePosition, of_who_waits_with_a_query_counts_those_in_a_login_too) {
    WorkerRig rig(one_backend(config::PoolMode::transaction));
    const int idle = rig.connect();
    ASSERT_EQ(refusal_of(rig.log_in(idle)), "");
    ASSERT_FALSE(rig.busy_client().empty());
    std::string packet;
    // Parameters that no backend has judged yet: the login takes one.
    pg::append_startup_message(packet, pg::ProtocolMinor::zero, "ann", "app",
                               std::array{pg::StartupParameter{"work_mem", "1MB"}});
    const int in_login = rig.connect();
    rig.send(in_login, packet);
    rig.turns();
    rig.send(idle, query_frame("SELECT 1"));
    rig.turns();
    rig.advance(std::chrono::seconds(1));
    rig.turns();
    const std::string detail = detail_of(rig.take(idle));
    EXPECT_NE(detail.find("was number 2 in line on arrival"), std::string::npos) << detail;
    EXPECT_EQ(detail.find("lines"), std::string::npos) << "there is but one";
}

}  // namespace
}  // namespace sluice::server
