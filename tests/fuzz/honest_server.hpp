#pragma once

#include "protocol/assert.hpp"
#include "protocol/pg/frame.hpp"
#include "protocol/wire/cursor.hpp"
#include "protocol/wire/writer.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

namespace sluice::fuzz {

inline std::string frame(char type, std::string_view body) {
    std::string out;
    wire::Writer(out).begin_frame(type).raw(body).end_frame();
    return out;
}

inline std::string zero_ended(std::string_view text) {
    return std::string(text) + '\0';
}

/// A PostgreSQL that keeps to the protocol, knows which statements it was taught and how
/// transactions end, and understands a few words of SQL by how they begin.
class HonestServer {
  public:
    void read(std::string_view bytes) { input_ += bytes; }

    /// Answers one message, with an error where `fails`. False when there is none.
    [[nodiscard]] bool answer(bool fails, bool outdated, std::string& out) {
        if (input_.size() < pg::frame_header_bytes) return false;
        const pg::FrameHeader header = pg::read_frame_header(wire::as_bytes(input_));
        SLUICE_ASSERT(std::string_view("QPBDECSH").find(header.type) != std::string_view::npos);
        SLUICE_ASSERT(input_.size() >= pg::frame_header_bytes + header.body_bytes);
        const std::string body = input_.substr(pg::frame_header_bytes, header.body_bytes);
        input_.erase(0, pg::frame_header_bytes + header.body_bytes);
        act(header.type, body, fails, outdated, out);
        return true;
    }
    [[nodiscard]] bool idle() const { return input_.empty(); }

  private:
    static std::string_view string_at(std::string_view& rest) {
        const std::size_t end = rest.find('\0');
        SLUICE_ASSERT(end != std::string_view::npos);
        const std::string_view found = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        return found;
    }

    void act(char type, std::string_view body, bool fails, bool outdated, std::string& out) {
        if (type == 'S') {
            skipping_ = false;
            if (status_ == 'I') portals_.clear();
            out += frame('Z', std::string(1, status_));
            return;
        }
        if (skipping_ || type == 'H') return;
        if (type == 'Q') {
            query(string_at(body), fails, out);
            return;
        }
        if (type == 'C') {
            const bool statement = body[0] == 'S';
            body.remove_prefix(1);
            (statement ? statements_ : portals_).erase(std::string(string_at(body)));
            out += frame('3', "");
        } else if (fails) {
            fail("22012", {}, out);
        } else if (type == 'P') {
            parse(body, out);
        } else if (type == 'B') {
            bind(body, outdated, out);
        } else if (type == 'D') {
            const bool statement = body[0] == 'S';
            body.remove_prefix(1);
            const std::string name(string_at(body));
            if (!known(statement ? statements_ : portals_, name, out)) return;
            if (statement) out += frame('t', std::string_view("\0\0", 2));
            out += frame('n', "");
        } else if (type == 'E') {
            const std::string name(string_at(body));
            if (!known(portals_, name, out)) return;
            execute(portals_texts_[name], out);
        }
    }

    void parse(std::string_view body, std::string& out) {
        const std::string name(string_at(body));
        const std::string text(string_at(body));
        if (status_ == 'E' && !ends_block(text)) return fail("25P02", {}, out);
        if (!name.empty() && statements_.contains(name)) return fail("42P05", {}, out, name);
        if (text.find(';') != std::string::npos) return fail("42601", {}, out);
        statements_.insert(name);
        texts_[name] = text;
        out += frame('1', "");
    }

    void bind(std::string_view body, bool outdated, std::string& out) {
        const std::string portal(string_at(body));
        const std::string name(string_at(body));
        if (!known(statements_, name, out)) return;
        if (status_ == 'E' && !ends_block(texts_[name])) return fail("25P02", {}, out);
        if (outdated) return fail("0A000", "RevalidateCachedQuery", out);
        portals_.insert(portal);
        portals_texts_[portal] = texts_[name];
        out += frame('2', "");
    }

    [[nodiscard]] bool known(const std::set<std::string>& those, const std::string& name,
                             std::string& out) {
        if (those.contains(name)) return true;
        // It was taught, or is being taught in a Parse that did not fail.
        SLUICE_ASSERT(!name.starts_with("sluice_"));
        fail("26000", {}, out, name);
        return false;
    }

    void query(std::string_view text, bool fails, std::string& out) {
        statements_.erase("");
        portals_.clear();
        if (fails || (status_ == 'E' && !ends_block(text))) {
            fail("22012", {}, out);
        } else {
            execute(text, out);
        }
        skipping_ = false;
        out += frame('Z', std::string(1, status_));
    }

    /// By its first words; what has several statements has the tags of all.
    void execute(std::string_view text, std::string& out) {
        const auto begins = [text](std::string_view with) { return text.starts_with(with); };
        if (text.find(';') != std::string_view::npos) {
            tag("SELECT 1", out);
            if (!prepare("s", out)) return;
            tag("SELECT 1", out);
        } else if (text.empty()) {
            out += frame('I', "");
        } else if (begins("BEGIN")) {
            if (status_ == 'I') status_ = 'T';
            tag("BEGIN", out);
        } else if (begins("ROLLBACK TO")) {
            if (status_ == 'I') return fail("25P01", {}, out);
            status_ = 'T';
            tag("ROLLBACK", out);
        } else if (begins("COMMIT") || begins("ROLLBACK")) {
            tag(begins("COMMIT") && status_ != 'E' ? "COMMIT" : "ROLLBACK", out);
            status_ = 'I';
        } else if (begins("PREPARE")) {
            std::ignore = prepare(std::string(between(text, "PREPARE ", " AS")), out);
        } else if (begins("EXECUTE ")) {
            if (known(statements_, first_word(text.substr(8)), out)) tag("SELECT 1", out);
        } else if (begins("DEALLOCATE ALL")) {
            statements_.clear();
            tag("DEALLOCATE ALL", out);
        } else if (begins("DEALLOCATE ")) {
            const std::string name = first_word(text.substr(11));
            if (!known(statements_, name, out)) return;
            statements_.erase(name);
            tag("DEALLOCATE", out);
        } else if (begins("CREATE")) {
            tag("CREATE TABLE", out);
        } else if (begins("SAVEPOINT")) {
            if (status_ == 'I') return fail("25P01", {}, out);
            tag("SAVEPOINT", out);
        } else if (begins("DISCARD")) {
            tag("DISCARD PLANS", out);
        } else {
            tag("SELECT 1", out);
        }
    }

    [[nodiscard]] bool prepare(const std::string& name, std::string& out) {
        if (statements_.contains(name)) {
            fail("42P05", {}, out, name);
            return false;
        }
        statements_.insert(name);
        texts_[name] = "SELECT 2";
        tag("PREPARE", out);
        return true;
    }

    static std::string_view between(std::string_view text, std::string_view from,
                                    std::string_view to) {
        const std::size_t begin = text.find(from) + from.size();
        return text.substr(begin, text.find(to, begin) - begin);
    }
    static std::string first_word(std::string_view text) {
        std::string word(text.substr(0, text.find_first_of(" ;(")));
        std::erase(word, '"');
        return word;
    }
    static bool ends_block(std::string_view text) {
        return text.starts_with("ROLLBACK") || text.starts_with("COMMIT");
    }
    static void tag(std::string_view text, std::string& out) {
        out += frame('C', zero_ended(text));
    }
    void fail(std::string_view sqlstate, std::string_view routine, std::string& out,
              std::string_view words = "no") {
        std::string body = "SERROR" + std::string(1, '\0') + "VERROR" + std::string(1, '\0');
        body += 'C' + zero_ended(sqlstate) + 'M' + zero_ended(words);
        if (!routine.empty()) body += 'R' + zero_ended(routine);
        out += frame('E', body + '\0');
        skipping_ = true;
        if (status_ == 'T') status_ = 'E';
    }

    std::string input_;
    std::set<std::string> statements_;
    std::set<std::string> portals_;
    std::map<std::string, std::string> texts_;
    std::map<std::string, std::string> portals_texts_;
    char status_ = 'I';
    bool skipping_ = false;
};

}  // namespace sluice::fuzz
