#pragma once

#include "protocol/pg/client_session.hpp"
#include "protocol/wire/writer.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Conversations with a client: frames in, what the relay is told to do out.
namespace sluice::pg::test {

inline std::string client_frame(char type, std::string_view body) {
    std::string out;
    wire::Writer(out).begin_frame(type).raw(body).end_frame();
    return out;
}
inline std::string zero_ended(std::string_view text) {
    return std::string(text) + '\0';
}

inline std::string query_frame(std::string_view sql) {
    return client_frame('Q', zero_ended(sql));
}
inline std::string parse_frame(std::string_view name, std::string_view sql) {
    return client_frame('P', zero_ended(name) + zero_ended(sql) + std::string(2, '\0'));
}
inline std::string bind_frame(std::string_view portal, std::string_view statement) {
    return client_frame('B', zero_ended(portal) + zero_ended(statement) + std::string(6, '\0'));
}
inline std::string describe_frame(char kind, std::string_view name) {
    return client_frame('D', kind + zero_ended(name));
}
inline std::string close_frame(char kind, std::string_view name) {
    return client_frame('C', kind + zero_ended(name));
}
inline std::string execute_frame() {
    return client_frame('E', std::string(5, '\0'));
}
inline std::string function_call_frame(std::uint32_t oid) {
    std::string body;
    wire::Writer(body).u32(oid).u16(0).u16(0).u16(0);
    return client_frame('F', body);
}
inline std::string copy_data_frame(std::string_view row) {
    return client_frame('d', row);
}
inline const std::string sync_frame = client_frame('S', "");
inline const std::string flush_frame = client_frame('H', "");
inline const std::string terminate_frame = client_frame('X', "");

/// A client with a relay that leases whenever a backend is wanted, or refuses.
struct ClientTalk {
    explicit ClientTalk(std::uint32_t frame_bytes_max = 0x7fffffffU) : session(frame_bytes_max) {}

    ClientSession session;
    std::string pending;
    bool leased = false;
    bool refuses = false;
    std::size_t refusal_count = 0;
    std::string to_backend;
    std::vector<Owed> owed;  ///< Of this client's own frames; none for Flush and CopyData.
    std::size_t injected_count = 0;
    std::string answered;
    static constexpr std::string_view silence = "(closed without a word)";
    std::string violation;
    bool finished = false;

    void receive(std::string_view bytes) {
        pending += bytes;
        while (violation.empty() && !finished) {
            const Wants wants = session.wants(wire::as_bytes(pending));
            if (wants == Wants::backend && !leased) {
                if (refuses) {
                    ++refusal_count;
                    session.refuse();
                } else {
                    leased = true;
                }
            }
            const auto step =
                session.next(wire::as_bytes(pending), leased ? Lending::leased : Lending::none);
            if (step.kind == StepKind::read_more) return;
            perform(step);
        }
    }

    /// In every way of cutting `bytes` in two, and byte by byte.
    template <typename Check>
    static void receive_in_pieces(const std::string& bytes, Check check) {
        for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
            ClientTalk talk;
            talk.receive(std::string_view(bytes).substr(0, cut));
            talk.receive(std::string_view(bytes).substr(cut));
            check(talk);
        }
        ClientTalk talk;
        for (const char byte : bytes)
            talk.receive({&byte, 1});
        check(talk);
    }

    void end_lease() {
        leased = false;
        session.lease_ended();
    }

  private:
    void perform(const ClientSession::Step& step) {
        if (!step.inject.empty()) ++injected_count;
        switch (step.kind) {
            case StepKind::forward:
                to_backend += step.inject;
                to_backend += pending.substr(step.replaced, step.bytes - step.replaced);
                if (step.owed.owed != Owed::nothing) owed.push_back(step.owed.owed);
                break;
            case StepKind::answer: answered += step.reply; break;
            case StepKind::violate: violation = step.reply.empty() ? silence : step.reply; return;
            case StepKind::finish: finished = true; return;
            case StepKind::refuse:
                ++refusal_count;
                session.refuse();
                break;
            case StepKind::discard:
            case StepKind::wait:
            case StepKind::read_more: break;
        }
        pending.erase(0, step.bytes);
    }
};

}  // namespace sluice::pg::test
