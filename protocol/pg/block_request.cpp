#include "protocol/pg/block_request.hpp"

#include "protocol/pg/client_statements.hpp"
#include "protocol/pg/frame.hpp"
#include "protocol/pg/statement_frames.hpp"
#include "protocol/wire/writer.hpp"

namespace sluice::pg {

namespace {

/// Takes whole frames off the front of what is in hand.
class Frames {
  public:
    explicit Frames(wire::Bytes available) noexcept : available_(available) {}

    /// The body of the next frame, if that is of this type and whole.
    std::optional<wire::Bytes> take(ClientMessage type) noexcept {
        const wire::Bytes rest = available_.subspan(at_);
        if (rest.size() < frame_header_bytes) return std::nullopt;
        const FrameHeader header = read_frame_header(rest);
        const bool fits = header.valid && header.type == static_cast<char>(type) &&
                          rest.size() - frame_header_bytes >= header.body_bytes;
        if (!fits) return std::nullopt;
        at_ += frame_header_bytes + std::size_t{header.body_bytes};
        return rest.subspan(frame_header_bytes, header.body_bytes);
    }
    [[nodiscard]] std::size_t taken() const noexcept { return at_; }

  private:
    wire::Bytes available_;
    std::size_t at_ = 0;
};

/// A text behind which nothing stands.
std::string_view text_of(wire::Bytes body) noexcept {
    wire::Cursor cursor(body);
    const std::string_view text = cursor.c_string();
    return cursor.finished() ? text : std::string_view{};
}

BlockRequest read_query(wire::Bytes available) {
    BlockRequest request;
    const std::uint32_t body_bytes = read_frame_header(available).body_bytes;
    if (body_bytes > block_command_bytes_max + 1) {
        request.bytes = available.size();
        return request;
    }
    Frames frames(available);
    const auto body = frames.take(ClientMessage::Query);
    if (!body) return request;
    request.bytes = frames.taken();
    request.text = text_of(*body);
    request.command = block_command_of(request.text);
    return request;
}

/// Without parameters.
bool read_parse(wire::Bytes body, BlockRequest& request) {
    wire::Cursor cursor(body);
    request.name = cursor.c_string();
    request.parse_body = wire::as_text(cursor.rest());
    request.text = cursor.c_string();
    request.parses = true;
    return cursor.u16() == 0 && cursor.finished();
}

/// To the unnamed portal and without parameters. In which format the columns shall come does not
/// matter where there are none.
bool read_bind(wire::Bytes body, BlockRequest& request) {
    wire::Cursor cursor(body);
    const bool unnamed = cursor.c_string().empty();
    const std::string_view name = cursor.c_string();
    const bool same = !request.parses || name == request.name;
    request.name = name;
    const bool bare = cursor.u16() == 0 && cursor.u16() == 0;
    cursor.take(std::size_t{cursor.u16()} * 2);
    return unnamed && same && bare && cursor.finished();
}

/// Of one statement or portal, by its name.
bool names(wire::Bytes body, char kind, std::string_view name) {
    wire::Cursor cursor(body);
    const bool same = cursor.u8() == static_cast<std::uint8_t>(kind) && cursor.c_string() == name;
    return same && cursor.finished();
}

/// The client's own statement of that name, made by Parse without types of parameters.
std::string_view held_text(std::string_view name, const ClientStatements* statements) {
    if (statements == nullptr) return {};
    const auto found = statements->find(name, 0);
    if (found.standing != ClientStatements::Standing::held || found.by_sql()) return {};
    const std::string_view body = found.statement->body();
    const std::string_view text = found.statement->text();
    const bool bare = body.size() == text.size() + 3 &&
                      body.substr(text.size() + 1) == std::string_view("\0\0", 2);
    return bare ? text : std::string_view{};
}

bool read_batch(Frames& frames, BlockRequest& request, const ClientStatements* statements) {
    if (const auto parse = frames.take(ClientMessage::Parse)) {
        if (!read_parse(*parse, request)) return false;
        if (const auto describe = frames.take(ClientMessage::Describe)) {
            request.describes_statement = true;
            if (!names(*describe, 'S', request.name)) return false;
        }
    }
    const auto bind = frames.take(ClientMessage::Bind);
    if (!bind || !read_bind(*bind, request)) return false;
    if (!request.parses) request.text = held_text(request.name, statements);
    if (const auto describe = frames.take(ClientMessage::Describe)) {
        request.describes_portal = true;
        if (!names(*describe, 'P', {})) return false;
    }
    const auto execute = frames.take(ClientMessage::Execute);
    if (!execute) return false;
    wire::Cursor cursor(*execute);
    const bool unnamed = cursor.c_string().empty();
    cursor.u32();  // A limit on rows, of which there are none.
    if (!unnamed || !cursor.finished()) return false;
    const auto sync = frames.take(ClientMessage::Sync);
    return sync && sync->empty();
}

}  // namespace

BlockRequest read_block_request(wire::Bytes available, const ClientStatements* statements) {
    BlockRequest request;
    if (available.size() < frame_header_bytes) return request;
    const auto type = static_cast<ClientMessage>(available[0]);
    if (type == ClientMessage::Query) return read_query(available);
    request.bytes = available.size();
    if (type != ClientMessage::Parse && type != ClientMessage::Bind) return request;
    Frames frames(available);
    request.extended = true;
    if (!read_batch(frames, request, statements)) return request;
    request.bytes = frames.taken();
    request.command = block_command_of(request.text);
    return request;
}

void append_block_answer(std::string& out, const BlockRequest& request) {
    wire::Writer writer(out);
    const auto bare = [&writer](BackendMessage type) {
        writer.begin_frame(static_cast<char>(type)).end_frame();
    };
    if (request.parses) bare(BackendMessage::ParseComplete);
    if (request.describes_statement) {
        writer.begin_frame(static_cast<char>(BackendMessage::ParameterDescription));
        writer.u16(0).end_frame();
        bare(BackendMessage::NoData);
    }
    if (request.extended) bare(BackendMessage::BindComplete);
    if (request.describes_portal) bare(BackendMessage::NoData);
    writer.begin_frame(static_cast<char>(BackendMessage::CommandComplete));
    writer.c_string(tag_of(request.command)).end_frame();
    const bool in_block = begins_block(request.command);
    const TransactionStatus status =
        in_block ? TransactionStatus::in_transaction : TransactionStatus::idle;
    writer.begin_frame(static_cast<char>(BackendMessage::ReadyForQuery));
    writer.u8(static_cast<std::uint8_t>(status)).end_frame();
}

}  // namespace sluice::pg
