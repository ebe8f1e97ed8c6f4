#include "protocol/pg/client_channels.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/pg/notification.hpp"
#include "protocol/wire/writer.hpp"

#include <utility>

namespace sluice::pg {

namespace {

/// A placeholder that a rollback undoes together with LISTEN. No other can be told from outside.
constexpr std::string_view set_mark = "SET sluice.channels = installed";
constexpr std::string_view unset_mark = "SET sluice.channels = ''";
constexpr std::string_view mark = "installed";

/// Every name is qualified, for the client's search_path is in force.
constexpr std::string_view check = "SELECT 1, pg_catalog.current_setting('sluice.channels', true)";
constexpr std::string_view question =
    "SELECT 1, pg_catalog.current_setting('sluice.channels', true) "
    "UNION ALL SELECT 2, c FROM pg_catalog.pg_listening_channels() c;UNLISTEN *";

void append_query(std::string& out, std::string_view sql) {
    wire::Writer(out)
        .begin_frame(static_cast<char>(ClientMessage::Query))
        .c_string(sql)
        .end_frame();
}

}  // namespace

void ClientChannels::remove(std::string_view name) {
    if (const auto at = names_.find(name); at != names_.end()) names_.erase(at);
}

void ClientChannels::append_installation(std::string& out) {
    std::string sql(set_mark);
    for (const std::string& name : names_) {
        sql += ";LISTEN ";
        append_channel(sql, name);
    }
    append_query(out, sql);
    install_ = Install::fresh;
}

void ClientChannels::append_check(std::string& out) {
    append_query(out, check);
    install_ = Install::checking;
}

void ClientChannels::append_question(std::string& out) {
    found_.clear();
    mark_found_ = false;
    std::string sql(question);
    if (install_ != Install::none) sql.append(";").append(unset_mark);
    append_query(out, sql);
}

bool ClientChannels::row_received(wire::Bytes body) {
    wire::Cursor cursor(body);
    if (cursor.u16() != 2 || cursor.u32() != 1) return false;
    const std::string_view kind = wire::as_text(cursor.take(1));
    const std::uint32_t length = cursor.u32();
    const bool absent = length == 0xffffffffU;
    const std::string_view value = absent ? std::string_view{} : wire::as_text(cursor.take(length));
    if (cursor.failed()) return false;
    if (kind == "1") {
        mark_found_ = value == mark;
        if (install_ == Install::checking) install_ = mark_found_ ? Install::fresh : Install::none;
    } else if (!value.empty()) {
        found_.emplace(value);
    }
    return true;
}

ClientChannels::Names ClientChannels::take_answer() {
    Names now = std::exchange(found_, {});
    const bool all_there = install_ != Install::none ? mark_found_ : names_.empty();
    if (!all_there && !has(notes_, ChannelNote::discards)) now.insert(names_.begin(), names_.end());
    return now;
}

}  // namespace sluice::pg
