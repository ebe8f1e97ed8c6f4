#include "protocol/pg/notification.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/wire/writer.hpp"

namespace sluice::pg {

bool parse_notification(wire::Bytes body, Notification& out) noexcept {
    wire::Cursor cursor(body);
    out.process_id = cursor.u32();
    out.channel = cursor.c_string();
    out.payload = cursor.c_string();
    return !cursor.failed();
}

void append_notification(std::string& out, const Notification& notification) {
    wire::Writer(out)
        .begin_frame(static_cast<char>(BackendMessage::NotificationResponse))
        .u32(notification.process_id)
        .c_string(notification.channel)
        .c_string(notification.payload)
        .end_frame();
}

void append_channel(std::string& sql, std::string_view channel) {
    sql += '"';
    for (const char byte : channel) {
        if (byte == '"') sql += '"';
        sql += byte;
    }
    sql += '"';
}

}  // namespace sluice::pg
