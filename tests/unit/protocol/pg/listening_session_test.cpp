#include "protocol/pg/listening_session.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/wire/writer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluice::pg::test {
namespace {

using Kind = ListeningSession::Event::Kind;

constexpr std::string_view ready{"Z\0\0\0\5I", 6};

std::string frame(char type, std::string_view body) {
    std::string out;
    wire::Writer(out).begin_frame(type).raw(body).end_frame();
    return out;
}

/// What the session says of these bytes when they come in pieces of this size.
std::string story(std::string_view bytes, std::size_t piece) {
    ListeningSession session;
    std::string out;
    session.listen("a", 1, out);
    session.barrier(2, out);
    session.unlisten("a", 3, out);
    std::string told;
    std::string kept;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        kept += bytes.substr(at, piece);
        while (true) {
            const auto event = session.next(wire::as_bytes(kept));
            if (event.kind == Kind::more_bytes) break;
            if (event.kind == Kind::violation) return told + "violation";
            if (event.kind == Kind::done) told += "done " + std::to_string(event.ticket) + ';';
            if (event.kind == Kind::refused)
                told += "refused " + std::to_string(event.ticket) + ';';
            if (event.kind == Kind::notification) {
                told += "heard " + std::string(event.notification.channel) + ';';
            }
            kept.erase(0, event.bytes);
        }
    }
    return told;
}

std::string heard(std::string_view channel) {
    std::string out;
    append_notification(out, {7, channel, "payload"});
    return out;
}

TEST(ListeningSession, tells_what_came_and_which_request_was_answered) {
    std::string bytes = frame('C', std::string_view("LISTEN\0", 7)) + std::string(ready);
    bytes += heard("a") + frame('I', "") + heard("b") + std::string(ready);
    bytes += frame('N', std::string_view("\0", 1));
    bytes += frame('C', std::string_view("UNLISTEN\0", 9)) + std::string(ready) + heard("c");
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        EXPECT_EQ(story(bytes, piece), "done 1;heard a;heard b;done 2;done 3;heard c;") << piece;
    }
}

TEST(ListeningSession, an_error_belongs_to_the_oldest_request_alone) {
    const std::string error = frame('E', std::string_view("SERROR\0C42501\0\0", 15));
    EXPECT_EQ(story(error + std::string(ready) + std::string(ready), 3), "refused 1;done 2;");
}

TEST(ListeningSession, more_answers_than_requests_are_a_violation) {
    const std::string bytes =
        std::string(ready) + std::string(ready) + std::string(ready) + std::string(ready);
    EXPECT_EQ(story(bytes, 100), "done 1;done 2;done 3;violation");
}

TEST(ListeningSession, an_error_without_words_is_one) {
    EXPECT_EQ(story(frame('E', "") + std::string(ready) + std::string(ready), 3),
              "refused 1;done 2;");
}

TEST(ListeningSession, words_of_any_length_are_read_over) {
    for (const std::size_t bytes :
         {notification_bytes_max, notification_bytes_max + 1, 4 * notification_bytes_max}) {
        const std::string words(bytes, 'x');
        for (const std::size_t piece : {std::size_t{997}, std::size_t{4096}, 5 * bytes}) {
            const std::string notice = frame('N', words) + heard("a") + std::string(ready);
            EXPECT_EQ(story(notice + notice, piece), "heard a;done 1;heard a;done 2;") << bytes;
            EXPECT_EQ(story(frame('E', words) + std::string(ready) + std::string(ready), piece),
                      "refused 1;done 2;")
                << bytes;
        }
    }
}

TEST(ListeningSession, a_frame_longer_than_any_notification_is_a_violation) {
    EXPECT_EQ(story(frame('A', std::string(notification_bytes_max + 1, 'x')), 4096), "violation");
    EXPECT_EQ(story(frame('D', std::string(notification_bytes_max + 1, 'x')), 4096), "violation");
    EXPECT_EQ(story(heard("a").substr(0, 5) + "\1", 100), "");
    EXPECT_EQ(story(frame('A', "\1"), 100), "violation");
}

TEST(ListeningSession, asks_in_words_that_quote_the_channel) {
    ListeningSession session;
    std::string out;
    session.listen("x\"y", 1, out);
    session.unlisten("Z", 2, out);
    session.barrier(3, out);
    EXPECT_EQ(out, frame('Q', std::string("LISTEN \"x\"\"y\"") + '\0') +
                       frame('Q', std::string("UNLISTEN \"Z\"") + '\0') +
                       frame('Q', std::string(1, '\0')));
    EXPECT_EQ(session.owed(), 3U);
}

}  // namespace
}  // namespace sluice::pg::test
