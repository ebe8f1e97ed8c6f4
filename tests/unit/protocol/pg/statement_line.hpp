#pragma once

#include "protocol/pg/client_session.hpp"
#include "protocol/pg/statement_passage.hpp"

#include "server/sql/statement_memo.hpp"

#include "backend_talk.hpp"
#include "client_talk.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

/// Clients with statements of their own on a backend that they share.
namespace sluice::pg::test {

/// One client, one backend, everything between.
struct Line {
    explicit Line(StatementPolicy policy = {}) : desk(reader, StatementIds(0, 1), {}, policy) {}

    sql::StatementMemo reader{{}, 1};
    StatementDesk desk;
    BackendSession backend;
    ClientSession client;
    ClientSession other;
    std::string pending;
    std::string to_backend;
    std::string to_client;
    bool waits = false;

    void send(std::string_view bytes) {
        pending += bytes;
        const StatementLease lease{backend, desk, 0, 1};
        while (true) {
            const auto step = client.next(wire::as_bytes(pending), Lending::leased, &lease);
            waits = step.kind == StepKind::wait;
            if (step.kind != StepKind::forward) return;
            to_backend += step.inject;
            if (!step.inject.empty()) backend.sent(step.injected_owed);
            if (backend.encore().records()) {
                backend.encore().append(step.inject);
                backend.encore().append(
                    std::string_view(pending).substr(step.replaced, step.bytes - step.replaced));
            }
            backend.sent(step.owed);
            to_backend += pending.substr(step.replaced, step.bytes - step.replaced);
            if (!step.behind.empty()) {
                to_backend += step.behind;
                backend.sent(step.behind_owed);
            }
            pending.erase(0, step.bytes);
            if (step.owed.owed == Owed::nothing) receive({});
        }
    }
    void receive(std::string_view bytes) {
        std::string left(bytes);
        while (true) {
            const BackendRun run = backend.next(wire::as_bytes(left));
            ASSERT_NE(run.event, BackendEvent::violation);
            if (run.event == BackendEvent::answer) {
                to_client += run.reply;
                continue;
            }
            if (run.bytes == 0) break;
            if (run.event == BackendEvent::outdated_plan) backend.send_again(to_backend);
            if (run.audience == Audience::client) to_client += left.substr(0, run.bytes);
            left.erase(0, run.bytes);
        }
        if (waits) send({});
    }
    /// What the backend was sent since the last time, as letters with the statements' names.
    std::string sent() {
        std::string out;
        for (std::size_t at = 0; at < to_backend.size();) {
            const wire::Bytes rest = wire::as_bytes(to_backend).subspan(at);
            const FrameHeader header = read_frame_header(rest);
            out += out.empty() ? "" : " ";
            out += header.type;
            NamedFrame named;
            const bool names = std::string_view("PBDC").find(header.type) != std::string_view::npos;
            if (header.type == 'C' && rest[frame_header_bytes] == std::byte{'P'}) out += "(portal)";
            if (names && find_name(rest, named) == NameSearch::found) out += named.name;
            at += frame_header_bytes + header.body_bytes;
        }
        to_backend.clear();
        return out;
    }
    /// The letters that the client got.
    std::string heard() {
        std::string out;
        for (std::size_t at = 0; at < to_client.size();) {
            const FrameHeader header = read_frame_header(wire::as_bytes(to_client).subspan(at));
            out += header.type;
            at += frame_header_bytes + header.body_bytes;
        }
        to_client.clear();
        return out;
    }
    void ask(std::string_view frames, std::string_view answers) {
        send(frames);
        receive(replies(answers));
    }
    /// Another client has the backend from now on, or the first again.
    void turn() {
        client.lease_ended();
        backend.serve_statements_of(nullptr);
        std::swap(client, other);
        sent();
        heard();
    }
    void lease_another_backend() {
        client.lease_ended();
        backend = {};
    }
};

}  // namespace sluice::pg::test
