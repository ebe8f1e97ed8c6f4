#pragma once

#include "protocol/pg/frame.hpp"
#include "protocol/wire/cursor.hpp"

#include "server/admin/console.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::server {

struct ConsoleStep {
    enum class Kind : std::uint8_t {
        read_more,  ///< Nothing more can be done before more bytes arrive.
        gather,     ///< Get a snapshot of `detail`, call snapshot_arrived(), then bytes_received().
        close,      ///< Close the client; a reply goes out first.
    };
    Kind kind = Kind::read_more;
    std::size_t bytes = 0;  ///< To be taken from the front of what was received.
    std::string reply;      ///< To be sent, before anything else.
    SnapshotDetail detail = SnapshotDetail::counters;
};

/// A console client's conversation after its login, with the simple protocol and as much of the
/// extended one as drivers need who speak nothing else: statements and portals without
/// parameters, both result formats, rows in portions.
///
/// Performs no I/O. What it holds is bounded by the three limits below.
/// Source: PostgreSQL 15 manual, "Message Flow".
class ConsoleSession {
  public:
    static constexpr std::size_t frame_bytes_max = 16 * 1024;  ///< With its header.
    static constexpr std::size_t statement_count_max = 64;
    static constexpr std::size_t portal_count_max = 64;

    /// Works through as many whole frames as `available` holds, or up to one that needs a
    /// snapshot. Not to be called between Kind::gather and snapshot_arrived().
    [[nodiscard]] ConsoleStep bytes_received(wire::Bytes available);

    /// The reply to what asked for the snapshot.
    [[nodiscard]] std::string snapshot_arrived(const Snapshot& snapshot, const ConsoleFacts& facts);

  private:
    struct Portal {
        ConsoleCommand command;
        std::vector<Format> formats;
        std::size_t sent_row_count = 0;
    };
    struct Execution {
        Portal* portal;
        std::size_t row_count_max;
    };
    /// What waits for a snapshot: a simple query, or an Execute.
    using Pending = std::variant<std::monostate, ConsoleCommand, Execution>;
    enum class Phase : std::uint8_t { serving, skipping_to_sync };

    // One for each frame that has an answer; each appends it.
    void query(wire::Cursor& body, std::string& out);
    void parse(wire::Cursor& body, std::string& out);
    void bind(wire::Cursor& body, std::string& out);
    void describe(wire::Cursor& body, std::string& out);
    void execute(wire::Cursor& body, std::string& out);
    void close(wire::Cursor& body, std::string& out);
    void sync(std::string& out);
    /// An error of the extended protocol: all is skipped until Sync.
    void fail(std::string& out, std::string_view sqlstate, std::string_view message);
    /// False for a type of frame that no client sends.
    [[nodiscard]] bool frame(pg::ClientMessage type, wire::Bytes body, std::string& out);

    std::map<std::string, ConsoleCommand, std::less<>> statements_;
    std::map<std::string, Portal, std::less<>> portals_;
    Pending pending_;
    Phase phase_ = Phase::serving;
};

}  // namespace sluice::server
