// The frames of the extended protocol, as the model of PostgreSQL answers them.

#include "protocol/wire/cursor.hpp"

#include "tests/sim/relay_sim_model.hpp"

#include <algorithm>

namespace sluice::sim {

void Model::extended(const Frame& frame, std::string& out) {
    std::string_view body = frame.body;
    switch (frame.type) {
        case 'P': parse(frame, out); return;
        case 'B': bind(frame, out); return;
        case 'D': describe(frame, out); return;
        case 'E': execute(frame, out); return;
        default: break;
    }
    const char kind = body.empty() ? 'S' : body[0];
    body.remove_prefix(std::min<std::size_t>(body.size(), 1));
    const std::string name = take_c_string(body);
    if (kind == 'P') {
        portals_.erase(name);
    } else if (name.empty()) {
        unnamed_.clear();
    } else {
        prepared_.erase(name);
    }
    append_frame(out, '3', {});
}

bool Model::state_kept() const noexcept {
    // Under names of the program's own, statements are anybody's.
    const bool named = std::ranges::any_of(
        prepared_, [](const auto& one) { return !one.first.starts_with("sluice_"); });
    return state_kept_ || named;
}

bool Model::refused_in_failed_transaction(const Statement& statement, std::string& out) {
    const std::string& verb = statement.verb;
    if (status_ != 'E' || verb.empty() || verb == "ROLLBACK" || verb == "COMMIT") return false;
    fail(Kind::extended, "25P02", "in a failed transaction " + statement.tag, out);
    return true;
}

void Model::parse(const Frame& frame, std::string& out) {
    std::string_view body = frame.body;
    const std::string name = take_c_string(body);
    const auto statements = Statement::parse(take_c_string(body));
    const Statement statement = statements.empty() ? Statement{} : statements[0];
    if (name.empty()) unnamed_.clear();
    if (statement.verb == "SYNTAX") {
        fail(Kind::extended, "42601", "no such verb " + statement.tag, out);
        return;
    }
    if (refused_in_failed_transaction(statement, out)) return;
    if (name.empty()) {
        unnamed_ = {statement};
    } else if (!prepared_.emplace(name, statement).second) {
        fail(Kind::extended, "42P05", "already there \"" + name + '"', out);
        return;
    }
    append_frame(out, '1', {});
}

const Statement* Model::find(const std::string& name, std::string& out) {
    const auto named = prepared_.find(name);
    if (name.empty() ? unnamed_.empty() : named == prepared_.end()) {
        fail(Kind::extended, "26000", "no statement \"" + name + '"', out);
        return nullptr;
    }
    return name.empty() ? &unnamed_[0] : &named->second;
}

void Model::bind(const Frame& frame, std::string& out) {
    std::string_view body = frame.body;
    const std::string portal = take_c_string(body);
    const std::string name = take_c_string(body);
    const Statement* const statement = find(name, out);
    if (statement == nullptr || refused_in_failed_transaction(*statement, out)) return;
    portals_[portal] = {*statement};
    append_frame(out, '2', {});
}

void Model::describe(const Frame& frame, std::string& out) {
    const std::string name = frame.body.substr(1, frame.body.find('\0', 1) - 1);
    const Statement* statement = nullptr;
    if (frame.body[0] == 'S') {
        statement = find(name, out);
        if (statement == nullptr) return;
        // PostgreSQL refuses only those with a result. A backend that has to be taught the
        // statement first refuses all, the one known difference.
        if (refused_in_failed_transaction(*statement, out)) return;
        append_frame(out, 't', std::string_view("\0\0", 2));
    } else {
        const auto portal = portals_.find(name);
        if (portal == portals_.end()) {
            fail(Kind::extended, "34000", "no portal " + name, out);
            return;
        }
        statement = &portal->second.statement;
    }
    if (statement->verb == "SELECT") {
        append_row_description(out, statement->tag);
    } else {
        append_frame(out, 'n', {});
    }
}

void Model::execute(const Frame& frame, std::string& out) {
    std::string_view body = frame.body;
    const std::string name = take_c_string(body);
    const auto at = portals_.find(name);
    if (at == portals_.end()) {
        fail(Kind::extended, "34000", "no portal " + name, out);
        return;
    }
    Portal& portal = at->second;
    const Statement statement = portal.statement;
    if (statement.verb.empty()) {
        append_frame(out, 'I', {});
        return;
    }
    const std::size_t most = body.size() < 4 ? 0 : wire::load_u32(wire::as_bytes(body).data());
    if (statement.verb != "SELECT" || most == 0 || statement.rows - portal.rows_sent <= most ||
        status_ == 'E') {
        Statement rest = statement;
        if (statement.verb == "SELECT") rest.rows -= portal.rows_sent;
        // As PostgreSQL counts the rows of this part alone, which tells nothing else.
        if (portal.rows_sent > 0) rest.completes = std::to_string(rest.rows);
        run(rest, Kind::extended, out);
        return;
    }
    for (std::size_t row = 0; row < most; ++row)
        append_row(out, statement, row);
    portal.rows_sent += most;
    append_frame(out, 's', {});
}

}  // namespace sluice::sim
