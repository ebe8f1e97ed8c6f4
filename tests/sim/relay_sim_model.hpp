#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::sim {

using std::chrono::milliseconds;

/// One frame of a client: its type and its body.
struct Frame {
    char type = 0;
    std::string body;
};

/// Cuts whole frames off the front of `bytes`; what is left stays. False: an impossible length.
[[nodiscard]] bool cut_frames(std::string& bytes, std::vector<Frame>& out);
void append_frame(std::string& out, char type, std::string_view body);
/// Text up to a zero byte, taken off the front with it.
[[nodiscard]] std::string take_c_string(std::string_view& body);

/// One statement of the language that the model understands: "VERB key=value ...". Its words are
/// SQL enough for the program to see what they leave behind in a session.
struct Statement {
    std::string text;
    std::string verb;
    std::string tag;             ///< "c7.3": the third text of client 7.
    std::string completes = {};  ///< What its completion says instead of its tag, if anything.
    std::size_t rows = 0;
    std::size_t row_bytes = 0;
    milliseconds runs{0};
    bool keeps_state = false;  ///< Of the session, for whoever comes next to stumble over.

    [[nodiscard]] static std::vector<Statement> parse(std::string_view text);
    /// The client that wrote it; 0: none, so it is the program's own, or any client's.
    [[nodiscard]] std::uint32_t client() const;
    /// Of the few texts that all clients write.
    [[nodiscard]] bool common() const { return tag.starts_with("any"); }
};

/// How PostgreSQL answers frames, as simple as it can be and without any choice: the same frames
/// have the same answer. So one of these plays the database, and one beside each client says what
/// that client must be told.
class Model {
  public:
    /// Appends the answer to `out`.
    void step(const Frame& frame, std::string& out);
    /// The frame is begun and fails: as step() does for an error, with this error.
    void interrupt(const Frame& frame, std::string_view sqlstate, std::string& out);
    /// What the client rested in was rolled back without its doing, and this frame is the first
    /// that is told of it.
    void lose(const Frame& frame, std::string_view sqlstate, std::string& out);
    /// How long the frame takes.
    [[nodiscard]] milliseconds time_of(const Frame& frame) const;
    /// DISCARD ALL; what the program's own reset amounts to.
    void discard_all();

    [[nodiscard]] char status() const noexcept { return status_; }
    [[nodiscard]] bool copying() const noexcept { return copy_ != Copy::none; }
    /// Nothing is open: no transaction, no batch, no COPY, no error waiting for its Sync.
    [[nodiscard]] bool settled() const noexcept {
        return status_ == 'I' && copy_ == Copy::none && !skipping_ && !unsynced_;
    }
    /// Reads over everything up to a Sync, behind an error.
    [[nodiscard]] bool skipping() const noexcept { return skipping_; }
    [[nodiscard]] bool within_batch() const noexcept { return unsynced_ || skipping_; }
    [[nodiscard]] bool has_statement(const std::string& name) const {
        return prepared_.contains(name);
    }
    [[nodiscard]] bool state_kept() const noexcept;
    [[nodiscard]] bool ended() const noexcept { return ended_; }

  private:
    enum class Copy : std::uint8_t { none, of_query, of_execute };
    enum class Kind : std::uint8_t { simple, extended };
    struct Portal {
        Statement statement;
        std::size_t rows_sent = 0;
    };

    void query(const Frame& frame, std::string& out);
    void extended(const Frame& frame, std::string& out);
    void parse(const Frame& frame, std::string& out);
    void bind(const Frame& frame, std::string& out);
    /// The statement of this name; null and an error if there is none.
    [[nodiscard]] const Statement* find(const std::string& name, std::string& out);
    [[nodiscard]] bool refused_in_failed_transaction(const Statement& statement, std::string& out);
    void describe(const Frame& frame, std::string& out);
    void execute(const Frame& frame, std::string& out);
    /// False when it failed.
    bool run(const Statement& statement, Kind kind, std::string& out);
    void transaction_verb(const Statement& statement, std::string& out);
    void copy_frame(const Frame& frame, std::string& out);
    void fail(Kind kind, std::string_view sqlstate, std::string_view text, std::string& out);
    void copy_failed(std::string_view sqlstate, std::string_view text, std::string& out);
    void ready(std::string& out);

    std::map<std::string, Statement> prepared_;  ///< With a name.
    std::vector<Statement> unnamed_;             ///< One or none.
    std::map<std::string, Portal> portals_;
    std::string copy_tag_;
    char status_ = 'I';
    Copy copy_ = Copy::none;
    bool skipping_ = false;
    bool unsynced_ = false;
    bool state_kept_ = false;
    bool ended_ = false;
};

void append_row(std::string& out, const Statement& statement, std::size_t row);
void append_row_description(std::string& out, std::string_view tag);
void append_error_frame(std::string& out, std::string_view severity, std::string_view sqlstate,
                        std::string_view text);
/// A field of an ErrorResponse's body; empty when it is not there.
[[nodiscard]] std::string error_field(std::string_view body, char field);

}  // namespace sluice::sim
