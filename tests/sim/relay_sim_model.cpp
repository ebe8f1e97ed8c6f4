#include "tests/sim/relay_sim_model.hpp"

#include "protocol/wire/cursor.hpp"
#include "protocol/wire/writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>
#include <utility>

namespace sluice::sim {

namespace {

std::size_t number(std::string_view text) {
    std::size_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

void append_complete(std::string& out, std::string_view what, std::string_view tag) {
    std::string body(what);
    if (!tag.empty()) body.append(" ").append(tag);
    body.push_back('\0');
    append_frame(out, 'C', body);
}

}  // namespace

std::string take_c_string(std::string_view& body) {
    const std::size_t end = body.find('\0');
    std::string text(body.substr(0, end));
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    return text;
}

void append_row(std::string& out, const Statement& statement, std::size_t row) {
    std::string value = statement.tag + '#' + std::to_string(row);
    if (value.size() < statement.row_bytes) value.resize(statement.row_bytes, '.');
    std::string body;
    wire::Writer(body).u16(1).u32(static_cast<std::uint32_t>(value.size())).raw(value);
    append_frame(out, 'D', body);
}

void append_row_description(std::string& out, std::string_view tag) {
    std::string body;
    wire::Writer writer(body);
    writer.u16(1).c_string(tag).u32(0).u16(0).u32(25).u16(0xffff).u32(0xffffffff).u16(0);
    append_frame(out, 'T', body);
}

bool cut_frames(std::string& bytes, std::vector<Frame>& out) {
    std::size_t at = 0;
    bool sane = true;
    while (bytes.size() - at >= 5) {
        const std::uint32_t length = wire::load_u32(wire::as_bytes(bytes).data() + at + 1);
        if (length < 4 || length > 0x7fffffffU) {
            sane = false;
            break;
        }
        if (bytes.size() - at - 1 < length) break;
        out.push_back({bytes[at], bytes.substr(at + 5, length - 4)});
        at += 1 + length;
    }
    bytes.erase(0, at);
    return sane;
}

void append_frame(std::string& out, char type, std::string_view body) {
    wire::Writer(out).begin_frame(type).raw(body).end_frame();
}

void append_error_frame(std::string& out, std::string_view severity, std::string_view sqlstate,
                        std::string_view text) {
    std::string body;
    for (const auto& [field, value] :
         {std::pair{'S', severity}, {'V', severity}, {'C', sqlstate}, {'M', text}}) {
        body.push_back(field);
        body.append(value).push_back('\0');
    }
    body.push_back('\0');
    append_frame(out, 'E', body);
}

std::string error_field(std::string_view body, char field) {
    while (!body.empty() && body[0] != '\0') {
        const char name = body[0];
        body.remove_prefix(1);
        std::string value = take_c_string(body);
        if (name == field) return value;
    }
    return {};
}

std::vector<Statement> Statement::parse(std::string_view text) {
    std::vector<Statement> all;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(';'), text.size());
        Statement one;
        one.text = std::string(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        std::string_view rest = one.text;
        while (!rest.empty()) {
            const std::size_t stop = std::min(rest.find(' '), rest.size());
            const std::string_view word = rest.substr(0, stop);
            rest.remove_prefix(std::min(stop + 1, rest.size()));
            if (one.verb.empty()) one.verb = word;
            if (word.starts_with("tag=")) one.tag = word.substr(4);
            if (word.starts_with("rows=")) one.rows = number(word.substr(5));
            if (word.starts_with("bytes=")) one.row_bytes = number(word.substr(6));
            if (word.starts_with("ms=")) one.runs = milliseconds(number(word.substr(3)));
        }
        static constexpr std::array<std::string_view, 6> keeping{"SET",     "LISTEN", "CREATE",
                                                                 "PREPARE", "DO",     "DECLARE"};
        one.keeps_state = std::ranges::find(keeping, one.verb) != keeping.end() ||
                          one.text.find("pg_advisory_lock") != std::string::npos;
        if (one.text == "SET SESSION AUTHORIZATION DEFAULT") one.keeps_state = false;
        if (!one.verb.empty()) all.push_back(std::move(one));
    }
    return all;
}

std::uint32_t Statement::client() const {
    return tag.empty() || tag[0] != 'c'
               ? 0
               : static_cast<std::uint32_t>(number(std::string_view(tag).substr(1)));
}

void Model::discard_all() {
    prepared_.clear();
    unnamed_.clear();
    portals_.clear();
    state_kept_ = false;
}

void Model::ready(std::string& out) {
    if (status_ == 'I') portals_.clear();
    append_frame(out, 'Z', {&status_, 1});
}

void Model::fail(Kind kind, std::string_view sqlstate, std::string_view text, std::string& out) {
    append_error_frame(out, "ERROR", sqlstate, text);
    if (status_ == 'T') status_ = 'E';
    if (kind == Kind::extended) skipping_ = true;
}

void Model::copy_failed(std::string_view sqlstate, std::string_view text, std::string& out) {
    const bool simple = std::exchange(copy_, Copy::none) == Copy::of_query;
    fail(simple ? Kind::simple : Kind::extended, sqlstate, text, out);
    if (simple) ready(out);
}

void Model::interrupt(const Frame& frame, std::string_view sqlstate, std::string& out) {
    if (copying()) {
        copy_failed(sqlstate, "interrupted", out);
        return;
    }
    const bool alone = frame.type == 'Q' || frame.type == 'F';
    if (frame.type == 'Q') unnamed_.clear();
    fail(alone ? Kind::simple : Kind::extended, sqlstate, "interrupted", out);
    if (alone) ready(out);
}

void Model::lose(const Frame& frame, std::string_view sqlstate, std::string& out) {
    std::string_view text = frame.body;
    if (frame.type == 'P') std::ignore = take_c_string(text);
    const bool commit = (frame.type == 'P' || frame.type == 'Q') && text.starts_with("COMMIT");
    append_error_frame(out, "ERROR", sqlstate, "lost");
    status_ = status_ == 'I' || commit ? 'I' : 'E';
    portals_.clear();
    const bool alone = frame.type == 'Q' || frame.type == 'F' || frame.type == 'S';
    if (frame.type == 'Q') unnamed_.clear();
    skipping_ = !alone;
    unsynced_ = !alone;
    if (alone) ready(out);
}

milliseconds Model::time_of(const Frame& frame) const {
    milliseconds sum{0};
    if (copying() || skipping_) return sum;
    if (frame.type == 'Q') {
        for (const Statement& statement :
             Statement::parse(frame.body.substr(0, frame.body.find('\0'))))
            sum += statement.runs;
    } else if (frame.type == 'E') {
        const auto portal = portals_.find(frame.body.substr(0, frame.body.find('\0')));
        if (portal != portals_.end()) sum = portal->second.statement.runs;
    }
    return sum;
}

void Model::step(const Frame& frame, std::string& out) {
    if (copying()) {
        copy_frame(frame, out);
        return;
    }
    if (skipping_ && frame.type != 'S') return;
    switch (frame.type) {
        case 'Q': query(frame, out); return;
        case 'F':
            append_frame(out, 'V', std::string_view("\xff\xff\xff\xff", 4));
            ready(out);
            return;
        case 'S':
            skipping_ = false;
            unsynced_ = false;
            ready(out);
            return;
        case 'P':
        case 'B':
        case 'D':
        case 'E':
        case 'C':
            unsynced_ = true;
            extended(frame, out);
            return;
        case 'X': ended_ = true; return;
        default: return;  // Flush, and a COPY's frames behind its end.
    }
}

void Model::query(const Frame& frame, std::string& out) {
    unnamed_.clear();
    unsynced_ = false;
    const auto statements = Statement::parse(frame.body.substr(0, frame.body.find('\0')));
    if (statements.empty()) append_frame(out, 'I', {});
    for (const Statement& statement : statements) {
        if (!run(statement, Kind::simple, out)) break;
        if (copying() || ended_) return;
    }
    ready(out);
}

bool Model::run(const Statement& statement, Kind kind, std::string& out) {
    const std::string& verb = statement.verb;
    const bool ends_failure = verb == "ROLLBACK" || verb == "COMMIT";
    if (status_ == 'E' && !ends_failure) {
        fail(kind, "25P02", "in a failed transaction " + statement.tag, out);
        return false;
    }
    if (verb == "FAIL") {
        fail(kind, "22012", "asked to fail " + statement.tag, out);
        return false;
    }
    if (verb == "DIE") {
        append_error_frame(out, "FATAL", "57P01", "asked to die " + statement.tag);
        ended_ = true;
        return true;
    }
    if (verb == "ROLLBACK" && statement.text.find("SAVEPOINT") != std::string::npos) {
        fail(kind, "3B001", "no such savepoint", out);
        return false;
    }
    if (verb == "BEGIN" || ends_failure) {
        transaction_verb(statement, out);
        return true;
    }
    if (verb == "DISCARD" || verb == "DEALLOCATE") {
        if (verb == "DISCARD") discard_all();
        prepared_.clear();
        append_frame(out, 'C', verb + " ALL" + '\0');
        return true;
    }
    if (verb == "COPYIN") {
        append_frame(out, 'G', std::string_view("\0\0\1\0\0", 5));
        copy_ = kind == Kind::simple ? Copy::of_query : Copy::of_execute;
        copy_tag_ = statement.tag;
        return true;
    } else if (verb == "COPYOUT") {
        append_frame(out, 'H', std::string_view("\0\0\1\0\0", 5));
        for (std::size_t row = 0; row < statement.rows; ++row) {
            std::string line = statement.tag + '#' + std::to_string(row);
            line.resize(std::max(line.size(), statement.row_bytes), '.');
            append_frame(out, 'd', line);
        }
        append_frame(out, 'c', {});
    } else if (verb == "SELECT") {
        if (kind == Kind::simple) append_row_description(out, statement.tag);
        for (std::size_t row = 0; row < statement.rows; ++row)
            append_row(out, statement, row);
    }
    if (statement.keeps_state) state_kept_ = true;
    append_complete(out, verb, statement.completes.empty() ? statement.tag : statement.completes);
    return true;
}

void Model::transaction_verb(const Statement& statement, std::string& out) {
    const bool rolled_back = statement.verb == "COMMIT" && status_ == 'E';
    status_ = statement.verb == "BEGIN" ? 'T' : 'I';
    append_complete(out, rolled_back ? "ROLLBACK" : statement.verb, statement.tag);
}

void Model::copy_frame(const Frame& frame, std::string& out) {
    switch (frame.type) {
        case 'd':
            if (frame.body.starts_with("bad")) copy_failed("22P04", "bad line " + copy_tag_, out);
            return;
        case 'c': {
            append_complete(out, "COPY", copy_tag_);
            const bool simple = std::exchange(copy_, Copy::none) == Copy::of_query;
            if (simple) ready(out);
            return;
        }
        case 'f': copy_failed("57014", "given up by its client " + copy_tag_, out); return;
        case 'S':
        case 'H': return;
        default:
            append_error_frame(out, "FATAL", "08P01", "unexpected message during COPY");
            ended_ = true;
    }
}

}  // namespace sluice::sim
