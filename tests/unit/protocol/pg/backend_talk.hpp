#pragma once

#include "protocol/pg/backend_session.hpp"
#include "protocol/wire/writer.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Conversations with a backend, written as the type letters of their frames.
namespace sluice::pg::test {

inline std::string frame(char type, std::string_view body) {
    std::string out;
    wire::Writer(out).begin_frame(type).raw(body).end_frame();
    return out;
}

/// The frame for a backend's letter; "ZI", "ZT" and "ZE" carry a status. Bodies of rows are long
/// enough to be split in interesting places.
inline std::string reply(std::string_view token) {
    if (token == "Z") return frame('Z', "I");
    if (token.size() == 2) return frame(token[0], token.substr(1));
    switch (token[0]) {
        case 'D':
        case 'd': return frame(token[0], std::string_view("\0\1\0\0\0\5Zrow\0", 11));
        case 'S': return frame('S', std::string_view("DateStyle\0ISO\0", 14));
        case 'E':
        case 'N': return frame(token[0], std::string_view("SERROR\0C22012\0Mno\0\0", 19));
        case 'C': return frame('C', std::string_view("SELECT 1\0", 9));
        case 'G':
        case 'H': return frame(token[0], std::string_view("\0\0\1\0\0", 5));
        case 't': return frame('t', std::string_view("\0\0", 2));
        case 'T': return frame('T', std::string_view("\0\0", 2));
        case 'V': return frame('V', std::string_view("\377\377\377\377", 4));
        case 'A': return frame('A', std::string_view("\0\0\0\7a\0\0", 7));
        default: return frame(token[0], "");
    }
}

inline std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> out;
    std::string word;
    for (const char byte : text) {
        if (byte != ' ') {
            word += byte;
        } else if (!word.empty()) {
            out.push_back(std::move(word));
            word.clear();
        }
    }
    if (!word.empty()) out.push_back(word);
    return out;
}

inline std::string replies(std::string_view tokens) {
    std::string out;
    for (const std::string& token : words(tokens))
        out += reply(token);
    return out;
}

inline Owed owed_for(char client_letter) {
    switch (static_cast<ClientMessage>(client_letter)) {
        case ClientMessage::Query: return Owed::query;
        case ClientMessage::FunctionCall: return Owed::function_call;
        case ClientMessage::Parse: return Owed::parse;
        case ClientMessage::Bind: return Owed::bind;
        case ClientMessage::Describe: return Owed::describe;
        case ClientMessage::Execute: return Owed::execute;
        case ClientMessage::Close: return Owed::close;
        case ClientMessage::Sync: return Owed::sync;
        case ClientMessage::CopyDone:
        case ClientMessage::CopyFail: return Owed::copy_end;
        case ClientMessage::CopyData:
        case ClientMessage::Flush:
        case ClientMessage::PasswordMessage:
        case ClientMessage::Terminate: return Owed::nothing;
    }
    return Owed::nothing;
}

/// A session with the bytes it passed on.
struct Talk {
    BackendSession session;
    std::string pending;  ///< Arrived and not taken yet.
    std::string to_client;
    std::string to_nobody;
    std::vector<std::string> parameters;
    std::size_t ready_count = 0;
    std::size_t private_error_count = 0;
    bool violated = false;

    void send(std::string_view client_letters, Audience audience = Audience::client) {
        for (const std::string& letter : words(client_letters)) {
            session.sent({owed_for(letter[0]), audience});
        }
    }

    void receive_bytes(std::string_view bytes) {
        pending += bytes;
        while (!violated) {
            const BackendRun run = session.next(wire::as_bytes(pending));
            if (run.event == BackendEvent::violation) {
                violated = true;
                return;
            }
            if (run.bytes == 0) return;
            const std::string taken = pending.substr(0, run.bytes);
            pending.erase(0, run.bytes);
            (run.audience == Audience::client ? to_client : to_nobody) += taken;
            if (run.event == BackendEvent::ready) ++ready_count;
            if (run.event == BackendEvent::parameter) parameters.push_back(taken);
            if (run.event == BackendEvent::private_error) ++private_error_count;
        }
    }

    void receive(std::string_view tokens) { receive_bytes(replies(tokens)); }

    /// What `append_recovery` sends now, as letters, closed up: "fS", "Q", "".
    std::string recover() {
        std::string out;
        session.append_recovery(out);
        std::string letters;
        for (std::size_t at = 0; at < out.size();) {
            const FrameHeader header = read_frame_header(wire::as_bytes(out).subspan(at));
            letters += header.type;
            at += frame_header_bytes + header.body_bytes;
        }
        return letters;
    }
};

}  // namespace sluice::pg::test
