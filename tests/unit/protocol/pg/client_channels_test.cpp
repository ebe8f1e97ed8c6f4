#include "protocol/pg/client_channels.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/pg/notification.hpp"
#include "protocol/wire/writer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluice::pg::test {
namespace {

std::string row(std::string_view kind, const char* value) {
    std::string body;
    wire::Writer writer(body);
    writer.u16(2).u32(1).raw(kind);
    if (value == nullptr) {
        writer.u32(0xffffffffU);
    } else {
        writer.u32(static_cast<std::uint32_t>(std::string_view(value).size())).raw(value);
    }
    return body;
}

std::string text_of(std::string_view query) {
    return std::string(query.substr(frame_header_bytes, query.size() - frame_header_bytes - 1));
}

/// A client that listens to `before`, whose text was preceded by an installation, and what the
/// backend then says of its channels.
ClientChannels::Names after(const ClientChannels::Names& before, const char* mark,
                            const ClientChannels::Names& found,
                            ChannelNote notes = ChannelNote::changes) {
    ClientChannels channels;
    for (const std::string& name : before)
        channels.add(name);
    std::string out;
    if (!before.empty()) channels.append_installation(out);
    channels.used();
    channels.note(notes);
    channels.append_question(out);
    EXPECT_TRUE(channels.row_received(wire::as_bytes(row("1", mark))));
    for (const std::string& name : found)
        EXPECT_TRUE(channels.row_received(wire::as_bytes(row("2", name.c_str()))));
    return channels.take_answer();
}

using Names = ClientChannels::Names;

TEST(ClientChannels, what_was_installed_and_is_there_holds) {
    EXPECT_EQ(after({"a"}, "installed", {"a", "b"}), (Names{"a", "b"}));
    EXPECT_EQ(after({"a", "b"}, "installed", {"b"}), (Names{"b"}));
    EXPECT_EQ(after({"a"}, "installed", {}), Names{});
}

TEST(ClientChannels, what_was_rolled_back_takes_nothing_away) {
    EXPECT_EQ(after({"a"}, nullptr, {}), (Names{"a"}));
    EXPECT_EQ(after({"a"}, "", {}), (Names{"a"}));
    EXPECT_EQ(after({"a"}, "", {"b"}), (Names{"a", "b"}));
}

TEST(ClientChannels, who_listened_to_nothing_needs_no_mark) {
    EXPECT_EQ(after({}, nullptr, {"a"}), (Names{"a"}));
    EXPECT_EQ(after({}, nullptr, {}), Names{});
}

TEST(ClientChannels, discard_all_takes_the_mark_with_the_channels) {
    EXPECT_EQ(after({"a"}, "", {}, ChannelNote::changes | ChannelNote::discards), Names{});
}

TEST(ClientChannels, names_are_quoted) {
    ClientChannels channels;
    channels.add("a");
    channels.add("say \"hi\"");
    std::string out;
    channels.append_installation(out);
    EXPECT_EQ(text_of(out),
              "SET sluice.channels = installed;LISTEN \"a\";LISTEN \"say \"\"hi\"\"\"");
    EXPECT_TRUE(channels.fresh());
    channels.used();
    EXPECT_FALSE(channels.fresh());
}

TEST(ClientChannels, are_installed_again_only_where_the_mark_is_gone) {
    for (const bool there : {true, false}) {
        ClientChannels channels;
        channels.add("a");
        std::string out;
        channels.append_installation(out);
        EXPECT_FALSE(channels.doubtful());
        channels.used();
        EXPECT_TRUE(channels.doubtful());
        out.clear();
        channels.append_check(out);
        EXPECT_EQ(text_of(out), "SELECT 1, pg_catalog.current_setting('sluice.channels', true)");
        EXPECT_FALSE(channels.doubtful());
        EXPECT_FALSE(channels.fresh());
        EXPECT_TRUE(channels.row_received(wire::as_bytes(row("1", there ? "installed" : ""))));
        EXPECT_EQ(channels.fresh(), there);
        EXPECT_FALSE(channels.doubtful());
    }
}

TEST(ClientChannels, the_mark_is_taken_away_where_it_was_set) {
    ClientChannels channels;
    std::string without;
    channels.append_question(without);
    EXPECT_TRUE(text_of(without).ends_with(";UNLISTEN *"));
    std::string ignored;
    channels.append_installation(ignored);
    std::string with;
    channels.append_question(with);
    EXPECT_TRUE(text_of(with).ends_with(";UNLISTEN *;SET sluice.channels = ''"));
}

TEST(ClientChannels, a_row_cut_short_is_no_answer) {
    const std::string whole = row("2", "channel");
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
        ClientChannels channels;
        EXPECT_FALSE(channels.row_received(wire::as_bytes(whole.substr(0, bytes)))) << bytes;
    }
}

TEST(Notification, is_read_as_it_was_written) {
    std::string frame;
    append_notification(frame, {4711, "news", "hello"});
    const wire::Bytes body = wire::as_bytes(frame).subspan(frame_header_bytes);
    Notification read;
    ASSERT_TRUE(parse_notification(body, read));
    EXPECT_EQ(read.process_id, 4711U);
    EXPECT_EQ(read.channel, "news");
    EXPECT_EQ(read.payload, "hello");
    for (std::size_t bytes = 0; bytes < body.size(); ++bytes)
        EXPECT_FALSE(parse_notification(body.first(bytes), read)) << bytes;
}

}  // namespace
}  // namespace sluice::pg::test
