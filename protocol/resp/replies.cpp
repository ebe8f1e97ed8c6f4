#include "protocol/resp/replies.hpp"

namespace sluice::resp {

namespace {

void append_header(std::string& out, char type, std::int64_t number) {
    out += type;
    out += std::to_string(number);
    out += "\r\n";
}

}  // namespace

void append_bulk(std::string& out, std::string_view text) {
    append_header(out, '$', static_cast<std::int64_t>(text.size()));
    out += text;
    out += "\r\n";
}

void append_verbatim(std::string& out, std::string_view text, RespVersion version) {
    if (version == RespVersion::resp2) {
        append_bulk(out, text);
        return;
    }
    constexpr std::string_view kind = "txt:";
    out += '=' + std::to_string(kind.size() + text.size()) + "\r\n";
    out += kind;
    out += text;
    out += "\r\n";
}

void append_integer(std::string& out, std::int64_t number) {
    append_header(out, ':', number);
}

void append_null(std::string& out, RespVersion version) {
    out += version == RespVersion::resp3 ? "_\r\n" : "$-1\r\n";
}

void append_array(std::string& out, std::size_t count) {
    append_header(out, '*', static_cast<std::int64_t>(count));
}

void append_map(std::string& out, std::size_t pair_count, RespVersion version) {
    if (version == RespVersion::resp3) {
        append_header(out, '%', static_cast<std::int64_t>(pair_count));
    } else {
        append_array(out, pair_count * 2);
    }
}

void append_push(std::string& out, std::size_t count, RespVersion version) {
    append_header(out, version == RespVersion::resp3 ? '>' : '*', static_cast<std::int64_t>(count));
}

void append_error(std::string& out, std::string_view text) {
    out += '-';
    for (const char letter : text)
        out += letter == '\r' || letter == '\n' ? ' ' : letter;
    out += "\r\n";
}

void append_greeting(std::string& out, const Greeting& greeting) {
    append_map(out, 7, greeting.version);
    append_bulk(out, "server");
    append_bulk(out, "redis");
    append_bulk(out, "version");
    append_bulk(out, greeting.server_version);
    append_bulk(out, "proto");
    append_integer(out, static_cast<std::int64_t>(greeting.version));
    append_bulk(out, "id");
    append_integer(out, static_cast<std::int64_t>(greeting.client_id));
    append_bulk(out, "mode");
    append_bulk(out, "standalone");
    append_bulk(out, "role");
    append_bulk(out, "master");
    append_bulk(out, "modules");
    append_array(out, 0);
}

}  // namespace sluice::resp
