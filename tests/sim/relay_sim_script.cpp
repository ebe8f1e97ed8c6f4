#include "tests/sim/relay_sim_script.hpp"

#include "protocol/wire/writer.hpp"

#include <array>
#include <string_view>

namespace sluice::sim {

namespace {

class Author {
  public:
    Author(test::Random& random, const Habits& habits, std::uint32_t client)
        : random_(random), habits_(habits), client_(client) {}

    std::deque<Step> write() {
        const std::size_t operations = random_.between(1, habits_.operations_max);
        for (std::size_t i = 0; i < operations; ++i) {
            operation();
            between_operations();
        }
        steps_.push_back({Step::Kind::await_answers, {}, {}});
        return std::move(steps_);
    }

  private:
    std::string tag() {
        return " tag=c" + std::to_string(client_) + '.' + std::to_string(++texts_);
    }

    void frame(char type, std::string body) {
        if (steps_.empty() || steps_.back().kind != Step::Kind::send) steps_.emplace_back();
        steps_.back().frames.push_back({type, std::move(body)});
    }
    void text(char type, std::string sql) { frame(type, std::move(sql) + '\0'); }

    void await() { steps_.push_back({Step::Kind::await_answers, {}, {}}); }

    void between_operations() {
        if (!random_.per_mille(habits_.pipelines)) await();
        if (habits_.think_ms_max > 0 && random_.below(3) == 0) {
            steps_.push_back(
                {Step::Kind::pause, {}, milliseconds(random_.between(1, habits_.think_ms_max))});
        }
    }

    std::string select() {
        std::string sql = "SELECT" + tag();
        if (random_.per_mille(habits_.large)) {
            return sql + " rows=" + std::to_string(random_.between(1, 60)) + " bytes=1000";
        }
        if (random_.per_mille(habits_.slow_query)) {
            sql += " ms=" + std::to_string(random_.between(5, 300));
        }
        return sql + " rows=" + std::to_string(random_.below(4));
    }

    std::string statement() {
        if (random_.per_mille(habits_.fails)) return "FAIL" + tag();
        if (random_.per_mille(habits_.keeps_state)) {
            static constexpr std::array<std::string_view, 5> keeping{
                "SET work_mem", "LISTEN", "CREATE TEMP TABLE t", "SELECT pg_advisory_lock", "DO"};
            return std::string(keeping[random_.below(keeping.size())]) + tag();
        }
        if (random_.below(8) == 0) return "UPDATE" + tag();
        return select();
    }

    void operation() {
        if (random_.per_mille(habits_.dies)) {
            text('Q', "DIE" + tag());
        } else if (random_.per_mille(habits_.transaction)) {
            transaction();
        } else {
            request();
        }
    }

    /// By a Query, or in a batch of its own.
    void bare(const std::string& sql) {
        if (!random_.per_mille(habits_.extended)) {
            text('Q', sql);
            return;
        }
        // Once under a name, which the second time is taken.
        const std::string name = random_.below(8) == 0 ? "bare" + sql : "";
        parse(name, sql);
        if (random_.below(3) == 0) frame('D', 'S' + name + '\0');
        bind("", name);
        if (random_.below(2) == 0) frame('D', std::string("P\0", 2));
        execute("", 0);
        frame('S', {});
    }

    void bare_block() {
        bare("BEGIN");
        between_operations();
        for (std::size_t requests = random_.below(4); requests > 0; --requests) {
            if (random_.below(10) == 0) bare("BEGIN");
            request();
            between_operations();
        }
        bare(random_.below(3) == 0 ? "ROLLBACK" : "COMMIT");
    }

    void transaction() {
        if (random_.per_mille(habits_.bare_blocks)) {
            bare_block();
            return;
        }
        text('Q', "BEGIN" + tag());
        const std::size_t requests = random_.between(1, 3);
        for (std::size_t i = 0; i < requests; ++i) {
            request();
            between_operations();
        }
        text('Q', (random_.below(3) == 0 ? "ROLLBACK" : "COMMIT") + tag());
    }

    void request() {
        if (random_.per_mille(habits_.copy)) {
            copy();
        } else if (random_.per_mille(habits_.extended)) {
            batch();
        } else {
            simple();
        }
    }

    void simple() {
        switch (random_.below(12)) {
            case 0: text('Q', ""); return;
            case 1: text('Q', select() + ';' + statement() + ';' + select()); return;
            case 3:
                if (habits_.statements > 0) {
                    text('Q', (random_.below(2) == 0 ? "DEALLOCATE ALL" : "DISCARD ALL") + tag());
                    return;
                }
                text('Q', statement());
                return;
            case 2: frame('F', std::string("\0\0\3\350\0\0\0\0\0\0", 10)); return;
            default: text('Q', statement()); return;
        }
    }

    void bind(const std::string& portal, const std::string& name) {
        std::string body;
        wire::Writer(body).c_string(portal).c_string(name).u16(0).u16(0).u16(0);
        frame('B', body);
    }
    void execute(const std::string& portal, std::uint32_t rows_max) {
        std::string body;
        wire::Writer(body).c_string(portal).u32(rows_max);
        frame('E', body);
    }
    void parse(const std::string& name, const std::string& sql) {
        std::string body;
        wire::Writer(body).c_string(name).c_string(sql).u16(0);
        frame('P', body);
    }

    void batch() {
        const std::size_t requests = random_.between(1, 3);
        const bool names = random_.per_mille(habits_.statements);
        for (std::size_t i = 0; i < requests; ++i) {
            if (names) {
                for (std::size_t frames = random_.between(1, 5); frames > 0; --frames)
                    statement_frame();
            } else {
                batch_request();
            }
            if (random_.below(6) == 0) {
                frame('H', {});
                if (random_.below(2) == 0) await();
            }
        }
        frame('S', {});
        if (random_.below(10) == 0) frame('S', {});
    }

    /// A frame that names a statement, among few names, and few texts that all clients write.
    void statement_frame() {
        const std::size_t dice = random_.below(4);
        const std::string name = dice == 0 ? std::string() : "s" + std::to_string(dice);
        switch (random_.below(12)) {
            case 0:
            case 1:
            case 2: parse(name, common_text()); return;
            case 3: frame('C', 'S' + name + '\0'); return;
            case 4: frame('D', 'S' + name + '\0'); return;
            case 5:
                if (random_.below(4) == 0) frame('S', {});
                return;
            case 6: {
                // Of one name, a text of its own.
                parse("own", select());
                return;
            }
            default: break;
        }
        const std::string portal = own_portal();
        bind(portal, random_.below(8) == 0 ? "own" : name);
        if (random_.below(3) == 0) frame('D', 'P' + portal + '\0');
        if (random_.below(6) == 0) execute(portal, 1);
        execute(portal, 0);
    }

    /// By its portal the database knows whose a statement is that it knew before.
    std::string own_portal() {
        return "c" + std::to_string(client_) + '.' + std::to_string(++texts_);
    }

    std::string common_text() {
        const std::size_t text = random_.below(8);
        const std::string tag = " tag=any" + std::to_string(text);
        switch (text) {
            case 0: return "SYNTAX" + tag;
            case 1: return "FAIL" + tag;
            case 2: return "UPDATE" + tag;
            case 3: return random_.below(3) == 0 ? "ROLLBACK" + tag : "";
            case 4: return "SELECT" + tag + " rows=3 ms=5";
            default: return "SELECT" + tag + " rows=" + std::to_string(text - 4);
        }
    }

    void batch_request() {
        const bool keeps = random_.per_mille(habits_.keeps_state);
        if (keeps && random_.below(2) == 0) {
            // A name, or an unnamed statement that outlives its batch.
            const std::string name = random_.below(2) == 0 ? "" : "s" + std::to_string(texts_ + 1);
            parse(name, select());
            frame('S', {});
            if (random_.below(2) == 0) await();
            const std::string portal = own_portal();
            bind(portal, name);
            execute(portal, 0);
            return;
        }
        const std::string portal = random_.below(4) == 0 ? "p" + std::to_string(texts_) : "";
        parse("", statement());
        bind(portal, "");
        if (random_.below(2) == 0) frame('D', 'P' + portal + '\0');
        if (random_.below(5) == 0) execute(portal, 1);
        if (random_.per_mille(habits_.stalls)) {
            execute(portal, 1);
            frame('H', {});
            await();
            steps_.push_back({Step::Kind::pause, {}, milliseconds(random_.between(1, 200))});
        }
        execute(portal, 0);
        if (random_.below(8) == 0) frame('C', 'P' + portal + '\0');
    }

    void copy() {
        if (random_.below(3) == 0) {
            const std::string shape =
                random_.per_mille(habits_.large) ? " rows=80 bytes=1000" : " rows=3 bytes=20";
            text('Q', "COPYOUT" + tag() + shape);
            return;
        }
        const bool extended = random_.per_mille(habits_.extended);
        if (extended) {
            parse("", "COPYIN" + tag());
            bind("", "");
            execute("", 0);
            if (random_.below(2) == 0) {
                frame('H', {});
                await();
            }
        } else {
            text('Q', "COPYIN" + tag());
            if (random_.below(2) == 0) await();
        }
        const std::size_t lines = random_.below(5);
        for (std::size_t i = 0; i < lines; ++i) {
            const std::size_t bytes = random_.per_mille(habits_.large) ? 9000 : 20;
            const bool bad = random_.per_mille(habits_.fails / 2);
            frame('d', bad ? "bad" : std::string(bytes, 'x'));
            if (random_.below(6) == 0) {
                steps_.push_back({Step::Kind::pause, {}, milliseconds(random_.between(1, 10))});
            }
        }
        if (random_.below(5) == 0) {
            text('f', "no more");
        } else {
            frame('c', {});
        }
        if (extended) frame('S', {});
    }

    test::Random& random_;
    const Habits& habits_;
    std::uint32_t client_;
    std::uint32_t texts_ = 0;
    std::deque<Step> steps_;
};

}  // namespace

std::deque<Step> write_script(test::Random& random, const Habits& habits, std::uint32_t client) {
    return Author(random, habits, client).write();
}

}  // namespace sluice::sim
