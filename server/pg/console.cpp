#include "server/pg/console.hpp"

#include "protocol/pg/login_messages.hpp"

#include "config/dump.hpp"

#include "server/log.hpp"
#include "server/pg/client.hpp"
#include "server/version.hpp"
#include "server/worker.hpp"

#include <algorithm>

namespace sluice::server {

namespace {

ConsoleFacts facts_of(Worker& worker) {
    const config::Settings& settings = worker.configuration().settings;
    ConsoleFacts facts;
    facts.version = std::string(version);
    facts.uptime = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now() - worker.shared().started);
    facts.settings = config::dump(settings);
    facts.postgres = &settings.postgres;
    return facts;
}

bool may_use(const config::Postgres& settings, const std::string& user) {
    const auto listed = [&user](const std::vector<std::string>& users) {
        return std::ranges::find(users, user) != users.end();
    };
    return listed(settings.admin_users) || listed(settings.stats_users);
}

}  // namespace

PgConsole::~PgConsole() {
    inbox_.clear(client_.worker().shared().buffers);
}

bool PgConsole::is_console(std::string_view database) noexcept {
    return database == "sluice" || database == "pgbouncer";
}

void PgConsole::open(PgClient& client, const std::string& user, std::string reply) {
    Worker& worker = client.worker();
    if (!may_use(worker.settings(), user)) {
        client.refuse(RefusalReason::console_forbidden);
        return;
    }
    pg::append_authentication_ok(reply);
    append_console_welcome(reply, facts_of(worker));
    client.send(reply);
    ++worker.counters.logins;
    log::info("console opened", {{"client", client.id()}, {"user", user}});
    client.become_console(std::make_unique<PgConsole>(client));
}

void PgConsole::received(wire::Bytes bytes) {
    if (inbox_.size() + bytes.size() > 2 * ConsoleSession::frame_bytes_max) {
        client_.refuse(RefusalReason::protocol_violation, "too many bytes for the console");
        return;
    }
    if (!inbox_.append(bytes, client_.worker().shared().buffers)) {
        client_.refuse(RefusalReason::buffers_spent);
        return;
    }
    if (phase_ == Phase::serving) proceed();
}

void PgConsole::proceed() {
    ConsoleStep step = session_.bytes_received(inbox_.bytes());
    inbox_.consume(step.bytes, client_.worker().shared().buffers);
    if (!step.reply.empty()) client_.send(step.reply);
    switch (step.kind) {
        case ConsoleStep::Kind::read_more: return;
        case ConsoleStep::Kind::gather: gather(step.detail); return;
        case ConsoleStep::Kind::close: client_.leave("closed by client"); return;
    }
}

void PgConsole::gather(SnapshotDetail detail) {
    phase_ = Phase::gathering;
    Worker& worker = client_.worker();
    worker.shared().gather(
        detail, [&worker, slot = client_.slot(), id = client_.id()](Snapshot snapshot) {
            worker.post([&worker, slot, id, snapshot = std::move(snapshot)] {
                PgClient* const client = worker.find_client(slot, id);
                if (client == nullptr || client->console() == nullptr) return;
                PgConsole& console = *client->console();
                console.phase_ = Phase::serving;
                client->send(console.session_.snapshot_arrived(snapshot, facts_of(worker)));
                console.proceed();
            });
        });
}

}  // namespace sluice::server
