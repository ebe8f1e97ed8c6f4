// Clients with statements of their own take turns on one backend, which is honest: it knows which
// statements it was taught, refuses what it does not know, and fails where the input says so. Each
// pair of bytes is one act. Whatever comes, nothing is bound that is not there, every Sync and
// every Query is answered once, and the backend is free when all has been answered.

#include "protocol/assert.hpp"
#include "protocol/pg/client_session.hpp"
#include "protocol/wire/cursor.hpp"

#include "server/sql/statement_memo.hpp"

#include "honest_server.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace {

using namespace sluice;
using fuzz::frame;
using fuzz::HonestServer;
using fuzz::zero_ended;
using pg::Lending;

constexpr std::array<std::string_view, 4> names{"", "s", "t", "u"};
/// What a Parse or a Query says; the tag of each stands below.
constexpr std::array<std::string_view, 16> texts{"SELECT 1",
                                                 "SELECT $1",
                                                 "BEGIN",
                                                 "COMMIT",
                                                 "ROLLBACK",
                                                 "PREPARE s AS SELECT 2",
                                                 "PREPARE t AS SELECT 3",
                                                 "EXECUTE s",
                                                 "DEALLOCATE s",
                                                 "DEALLOCATE ALL",
                                                 "CREATE TABLE a ()",
                                                 "SAVEPOINT x",
                                                 "ROLLBACK TO x",
                                                 "DISCARD PLANS",
                                                 "",
                                                 "SELECT 1; PREPARE s AS SELECT 4; SELECT 5"};

struct Client {
    pg::ClientSession session;
    std::string pending;
    std::size_t awaits_ready = 0;
    bool in_batch = false;
    bool mixed = false;  ///< A Query came inside a batch: one that failed swallows it.
};

class Line {
  public:
    explicit Line(pg::StatementPolicy policy)
        : desk_(reader_, pg::StatementIds(0, 1), {}, policy) {}

    void ask(std::size_t who, std::string_view bytes) {
        Client& client = clients_[who];
        const char type = bytes[0];
        if (type == 'Q' || type == 'S') ++client.awaits_ready;
        client.mixed = client.mixed || (type == 'Q' && client.in_batch);
        client.in_batch = type != 'S' && (client.in_batch || type != 'Q');
        client.pending += bytes;
        serve(who);
    }

    [[nodiscard]] bool answer(bool fails, bool outdated) {
        std::string bytes;
        if (!server_.answer(fails, outdated, bytes)) return false;
        receive(bytes);
        return true;
    }

    void finish() {
        for (std::size_t who = 0; who < clients_.size(); ++who)
            ask(who, frame('S', ""));
        for (std::size_t turn = 0; turn < clients_.size() * 2; ++turn) {
            while (answer(false, false)) {
            }
            if (!holder_) continue;
            // One in a block, or pinned, would keep the other out.
            ask(*holder_, frame('Q', zero_ended("ROLLBACK")));
        }
        while (answer(false, false)) {
        }
        SLUICE_ASSERT(server_.idle());
        if (holder_) {
            SLUICE_ASSERT(backend_.settled());
            check_answered(clients_[*holder_]);
        } else {
            for (const Client& client : clients_)
                check_answered(client);
        }
    }

  private:
    void serve(std::size_t who) {
        Client& client = clients_[who];
        while (!client.pending.empty()) {
            const wire::Bytes available = wire::as_bytes(client.pending);
            const bool wants = client.session.wants(available) == pg::Wants::backend;
            if (wants && !holder_) holder_ = who;
            const bool leased = holder_ == who;
            if (wants && !leased) return;
            const pg::StatementLease lease{backend_, desk_, 0,
                                           0x80000001U + static_cast<std::uint32_t>(who)};
            const auto step = leased ? client.session.next(available, Lending::leased, &lease)
                                     : client.session.next(available, Lending::none);
            SLUICE_ASSERT(step.bytes <= available.size());
            if (step.kind == StepKind::wait) {
                // Something must be there to wait for.
                SLUICE_ASSERT(leased && !server_.idle());
                return;
            }
            if (step.kind == StepKind::answer) {
                hear(client, step.reply);
            } else if (step.kind == StepKind::forward) {
                forward(client, step);
            } else {
                SLUICE_ASSERT(step.kind == StepKind::discard);
            }
            client.pending.erase(0, step.bytes);
            if (leased && step.kind == StepKind::forward && backend_.answers_next()) receive({});
        }
        release(who);
    }

    void forward(Client& client, const pg::ClientSession::Step& step) {
        const std::string_view kept =
            std::string_view(client.pending).substr(step.replaced, step.bytes - step.replaced);
        if (!step.inject.empty()) backend_.sent(step.injected_owed);
        if (pg::Encore& encore = backend_.encore(); encore.records()) {
            encore.append(step.inject);
            encore.append(kept);
            encore.append(step.behind);
        }
        server_.read(step.inject);
        server_.read(kept);
        backend_.sent(step.owed);
        if (!step.behind.empty()) {
            server_.read(step.behind);
            backend_.sent(step.behind_owed);
        }
    }

    void receive(std::string_view arrived) {
        std::string left(arrived);
        while (!left.empty() || backend_.answers_next()) {
            const pg::BackendRun run = backend_.next(wire::as_bytes(left));
            SLUICE_ASSERT(run.event != pg::BackendEvent::violation);
            if (run.event == pg::BackendEvent::answer) {
                if (holder_) hear(clients_[*holder_], run.reply);
                continue;
            }
            if (run.bytes == 0) break;
            if (run.event == pg::BackendEvent::outdated_plan) {
                changed(pg::SchemaChange::results);
                std::string again;
                backend_.send_again(again);
                server_.read(again);
            }
            if (run.event == pg::BackendEvent::renamed_error) {
                hear(clients_[*holder_], frame('E', ""));
            } else if (run.audience == pg::Audience::client) {
                SLUICE_ASSERT(holder_);
                hear(clients_[*holder_], std::string_view(left).substr(0, run.bytes));
            }
            left.erase(0, run.bytes);
        }
        if (!holder_) return;
        const std::size_t who = *holder_;
        serve(who);
        for (std::size_t other = 0; other < clients_.size(); ++other)
            if (!holder_) serve(other);
    }

    void release(std::size_t who) {
        Client& client = clients_[who];
        if (holder_ != who || !backend_.releasable() || client.session.within_frame()) return;
        changed(backend_.take_schema_change());
        pg::SessionWatch& watch = client.session.watch();
        if (watch.in_doubt()) {
            std::ignore = watch.take_doubts(backend_.error_count());
            watch.told(pg::Feature::none, pg::Feature::none);
        }
        if (client.session.pins() != 0 || client.session.holds_backend()) return;
        client.session.lease_ended();
        backend_.serve_statements_of(nullptr);
        holder_.reset();
    }

    static void check_answered(const Client& client) {
        SLUICE_ASSERT(client.mixed || client.awaits_ready == 0);
    }

    void changed(pg::SchemaChange change) {
        desk_.generation.value += pg::SchemaGeneration::step(change);
        backend_.statements().set_generation(desk_.generation);
    }

    static void hear(Client& client, std::string_view bytes) {
        while (!bytes.empty()) {
            const pg::FrameHeader header = pg::read_frame_header(wire::as_bytes(bytes));
            // A name that the client never gave means nothing to it.
            const std::string_view body = bytes.substr(pg::frame_header_bytes, header.body_bytes);
            SLUICE_ASSERT(header.type != 'E' || body.find("sluice_") == std::string_view::npos);
            if (header.type == 'Z') {
                SLUICE_ASSERT(client.awaits_ready > 0);
                --client.awaits_ready;
            }
            bytes.remove_prefix(pg::frame_header_bytes + body.size());
        }
    }

    sql::StatementMemo reader_{{}, 1};
    pg::StatementDesk desk_;
    pg::BackendSession backend_;
    HonestServer server_;
    std::array<Client, 2> clients_;
    std::optional<std::size_t> holder_;
};

void act(Line& line, unsigned what, unsigned which) {
    const std::size_t who = what >> 4U & 1U;
    const std::string_view name = names[which % names.size()];
    const std::string_view text = texts[which / names.size() % texts.size()];
    switch (what % 11) {
        case 0: line.ask(who, frame('Q', zero_ended(text))); return;
        case 1:
            line.ask(who, frame('P', zero_ended(name) + zero_ended(text) + std::string(2, '\0')));
            return;
        case 2:
            line.ask(who, frame('B', zero_ended("") + zero_ended(name) + std::string(6, '\0')));
            return;
        case 3: line.ask(who, frame('D', 'S' + zero_ended(name))); return;
        case 4: line.ask(who, frame('E', std::string(5, '\0'))); return;
        case 5: line.ask(who, frame('C', 'S' + zero_ended(name))); return;
        case 6: line.ask(who, frame('S', "")); return;
        case 7: line.ask(who, frame('D', 'P' + zero_ended(""))); return;
        case 8: line.ask(who, frame('H', "")); return;
        default: std::ignore = line.answer(which % 8 == 0, which % 8 == 1); return;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 1 || size > 4096) return 0;
    pg::StatementPolicy policy;
    policy.auto_prepare = static_cast<pg::AutoPrepare>(bytes[0] % 3);
    policy.max_prepared_statements = bytes[0] >= 128 ? 2 : 200;
    Line line(policy);
    for (std::size_t at = 1; at + 1 < size; at += 2)
        act(line, bytes[at], bytes[at + 1]);
    line.finish();
    return 0;
}
