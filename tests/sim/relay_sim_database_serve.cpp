// How the simulated database runs what it is sent, and what it looks at while doing so.

#include "protocol/wire/cursor.hpp"
#include "protocol/wire/writer.hpp"

#include "tests/sim/relay_sim_database.hpp"

namespace sluice::sim {

namespace {

std::string text_of(const Frame& frame) {
    const std::size_t at = frame.type == 'P' ? frame.body.find('\0') + 1 : 0;
    return frame.body.substr(at, frame.body.find('\0', at) - at);
}

std::string quoted(std::string_view& rest) {
    const std::size_t begin = rest.find('\'');
    const std::size_t end = rest.find('\'', begin + 1);
    std::string text(rest.substr(begin + 1, end - begin - 1));
    rest.remove_prefix(end + 1);
    return text;
}

std::string in_hex(std::string_view value) {
    std::string hex;
    for (const char c : value) {
        constexpr std::string_view digits = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        hex += digits[byte >> 4U];
        hex += digits[byte & 15U];
    }
    return hex;
}

}  // namespace

void Database::serve(Session& session) {
    constexpr std::size_t output_bytes_max = 64U * 1024U;
    while (session.phase == Phase::serving && !session.frames.empty() &&
           !session.ends_after_output && session.output.size() < output_bytes_max) {
        if (!session.running) begin(session, session.frames.front());
        if (session.phase != Phase::serving || session.ends_after_output) return;
        if (network_.now() < session.until) return;
        finish(session);
    }
}

void Database::begin(Session& session, const Frame& frame) {
    test::Random& random = network_.random;
    session.running = true;
    session.until = network_.now() + session.model.time_of(frame);
    if (random.below(4) == 0) session.until += milliseconds(random.below(4));
    if (frame.type == 'Q' || frame.type == 'P') {
        check_text(session, Statement::parse(text_of(frame)));
    } else if (frame.type == 'B') {
        const Statement portal{{}, {}, frame.body.substr(0, frame.body.find('\0'))};
        if (portal.client() != 0) check_text(session, {portal});
    }
    if (witness_.trace) {
        trace(session, std::string("reads ") + frame.type + ' ' +
                           (frame.type == 'Q' || frame.type == 'P' ? text_of(frame) : ""));
    }
    if (random.per_mille(faults.frame_death)) die(session);
    if (session.phase == Phase::serving && random.per_mille(faults.hostile)) {
        break_protocol(session);
    }
}

void Database::check_text(Session& session, const std::vector<Statement>& statements) {
    if (!statements.empty() && statements[0].common()) {
        session.own_text = true;  // Anybody's.
        return;
    }
    const std::uint32_t client = statements.empty() ? 0 : statements[0].client();
    session.own_text = client == 0;
    if (session.own_text || session.model.copying()) return;
    const std::string who = "client " + std::to_string(client) + " got backend " +
                            std::to_string(session.process_id) + " of client " +
                            std::to_string(session.client);
    if (client != session.client) {
        // A lease may begin with frames that name nobody: the program's own Close, a Bind.
        const bool between = !session.model.copying() && session.batch_client == 0 &&
                             (session.model.status() == 'I' || session.lent);
        if (!between) broken(who + " in the middle of something");
        if (session.model.state_kept()) broken(who + " with its session state");
    }
    if (witness_.settings_of && session.settings != witness_.settings_of(client)) {
        std::string is;
        for (const auto& [name, value] : session.settings)
            is += ' ' + name + '=' + value;
        broken("client " + std::to_string(client) + " got other settings than it brought:" + is);
    }
    session.client = client;
    session.batch_client = client;
    session.lent = false;
    ++query_count_;
}

void Database::finish(Session& session) {
    const Frame frame = std::move(session.frames.front());
    session.frames.pop_front();
    session.running = false;
    const bool own_query = frame.type == 'Q' && session.own_text;
    const char before = session.model.status();
    if (own_query && !session.model.copying() && !session.model.skipping()) {
        const std::string text = text_of(frame);
        if (text == "DISCARD ALL" && before != 'I') broken("DISCARD ALL inside a transaction");
        const bool sets_role = text.find("set_config('role','") != std::string::npos;
        if (sets_role && network_.random.per_mille(faults.role_refused)) {
            ++fault_count_;
            session.model.interrupt(frame, "42501", session.output);
            return;
        }
        if (is_question(text)) {
            answer_question(session, text);
            session.batch_client = 0;
            return;
        }
        change_settings(session, text);
        // A block that is made to fail for whoever comes next.
        if (text.starts_with("BEGIN;")) session.lent = true;
    }
    if (outdated(session, frame)) return;
    session.model.step(frame, session.output);
    // A block begun in words that are everybody's is that of whoever's text comes first in it.
    const bool begun = before == 'I' && session.model.status() == 'T';
    if (begun && session.batch_client == 0) session.lent = true;
    if (session.model.settled()) session.batch_client = 0;
    if (session.model.ended()) {
        if (frame.type != 'X') ++fault_count_;
        session.ends_after_output = true;
    }
}

/// Somebody has changed what a statement is about, past the program.
bool Database::outdated(Session& session, const Frame& frame) {
    if (frame.type != 'B' || session.model.copying() || session.model.skipping()) return false;
    std::string_view body = frame.body;
    std::ignore = take_c_string(body);
    const std::string name = take_c_string(body);
    const bool ours = name.starts_with("sluice_") && session.model.has_statement(name);
    if (!ours || !network_.random.per_mille(faults.outdated)) return false;
    std::string words;
    session.model.interrupt(frame, "0A000", words);
    append_frame(session.output, 'E',
                 std::string_view("SERROR\0VERROR\0C0A000\0Mcached plan\0"
                                  "RRevalidateCachedQuery\0\0",
                                  58));
    ++fault_count_;
    return true;
}

/// Whether the program asks what the session holds.
bool Database::is_question(std::string_view text) {
    return text.starts_with("SELECT ") && (text.find("'setting'") != std::string_view::npos ||
                                           text.find("'kept',") != std::string_view::npos ||
                                           text.find("'placeholder',") != std::string_view::npos);
}

/// Tells what differs from the session's start, and of every feature that is asked for that there
/// is some of it if there is anything.
void Database::answer_question(Session& session, const std::string& text) {
    Frame empty{'Q', std::string(1, '\0')};
    std::string ignored;
    session.model.step(empty, ignored);
    std::uint32_t count = 0;
    const auto row = [&](std::string_view kind, std::string_view name, std::string_view value) {
        std::string body;
        wire::Writer writer(body);
        writer.u16(3);
        for (const std::string_view column : {kind, name, value})
            writer.u32(static_cast<std::uint32_t>(column.size())).raw(column);
        append_frame(session.output, 'D', body);
        ++count;
    };
    append_frame(session.output, 'T', std::string_view("\0\0", 2));
    if (text.find("'setting'") != std::string::npos) {
        for (const auto& [name, value] : session.settings) {
            const auto started = session.startup.find(name);
            if (started == session.startup.end() || started->second != value)
                row("setting", name, in_hex(value));
        }
    }
    if (session.model.state_kept()) {
        for (const char* feature : {"advisory_lock", "temporary", "listen", "with_hold", "prepare"})
            if (text.find("'kept','" + std::string(feature)) != std::string::npos)
                row("kept", feature, "");
    }
    append_frame(session.output, 'C', "SELECT " + std::to_string(count) + '\0');
    append_frame(session.output, 'Z', "I");
}

/// Performs what the program's own query says of settings, and reports what must be reported.
void Database::change_settings(Session& session, const std::string& text) {
    const auto application = [&session] {
        const auto at = session.settings.find("application_name");
        return at == session.settings.end() ? std::string() : at->second;
    };
    const std::string before = application();
    const bool resets_all = text.find("RESET ALL") != std::string::npos;
    if (resets_all || text == "DISCARD ALL") {
        // As PostgreSQL has it, RESET ALL alone leaves the role.
        const auto role = session.settings.find("role");
        const bool keeps_role = role != session.settings.end() && resets_all &&
                                text.find("RESET ROLE") == std::string::npos;
        const std::string kept = keeps_role ? role->second : std::string();
        session.settings = session.startup;
        if (keeps_role) session.settings["role"] = kept;
    }
    apply_settings(session, text);
    if (application() == before) return;
    std::string body;
    wire::Writer(body).c_string("application_name").c_string(application());
    append_frame(session.output, 'S', body);
}

void Database::apply_settings(Session& session, std::string_view rest) {
    while (true) {
        const std::size_t at = rest.find("set_config(");
        if (at == std::string_view::npos) return;
        rest.remove_prefix(at);
        const std::string name = quoted(rest);
        if (rest.starts_with(",NULL")) {
            const auto started = session.startup.find(name);
            if (started == session.startup.end()) {
                session.settings.erase(name);
            } else {
                session.settings[name] = started->second;
            }
        } else {
            session.settings[name] = quoted(rest);
        }
    }
}

void Database::cancel(Session& session) {
    test::Random& random = network_.random;
    if (random.per_mille(faults.cancel_lost)) {
        ++fault_count_;
        session.phase = Phase::mute;  // Hangs, until the program gives up.
        if (random.below(2) == 0) end(session, true);
        return;
    }
    wire::Cursor cursor(wire::as_bytes(session.input).subspan(8));
    const std::uint32_t process_id = cursor.u32();
    const std::uint32_t key = cursor.u32();
    ++cancel_count_;
    for (const auto& other : sessions_) {
        Session& target = *other;
        if (target.phase != Phase::serving || target.process_id != process_id ||
            target.key != key || target.ends_after_output) {
            continue;
        }
        const bool hits = (target.running || target.model.copying()) && !target.model.skipping();
        trace(target, hits ? "is cancelled" : "is cancelled, idle");
        if (!hits) break;
        if (!target.own_text && !witness_.cancel_expected(target.client)) {
            broken("a cancel hit client " + std::to_string(target.client) + ", which did not ask");
        }
        Frame frame{'d', {}};
        if (target.running) {
            frame = std::move(target.frames.front());
            target.frames.pop_front();
            target.running = false;
        }
        const std::string_view interruptible = "QEF";
        if (target.model.copying() || interruptible.find(frame.type) != std::string_view::npos) {
            target.model.interrupt(frame, "57014", target.output);
        } else {
            target.model.step(frame, target.output);
        }
        if (target.model.settled()) target.batch_client = 0;
        break;
    }
    session.ends_after_output = true;
}

}  // namespace sluice::sim
