#pragma once

#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace sluice::pg {

/// What a text has to do with channels. A set of bits.
enum class ChannelNote : std::uint8_t {
    none = 0,
    changes = 1U << 0U,   ///< LISTEN, UNLISTEN; or it asks which there are.
    notifies = 1U << 1U,  ///< NOTIFY, or what may do so unseen.
    discards = 1U << 2U,  ///< DISCARD ALL outside of a block, which PostgreSQL allows nowhere else.
};
[[nodiscard]] constexpr ChannelNote operator|(ChannelNote a, ChannelNote b) noexcept {
    return static_cast<ChannelNote>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr bool has(ChannelNote notes, ChannelNote one) noexcept {
    return (static_cast<unsigned>(notes) & static_cast<unsigned>(one)) != 0;
}

/// The channels one client listens to, although the backends it borrows do not.
///
/// What LISTEN and UNLISTEN come to is decided by transactions, savepoints and errors, so the
/// server itself is asked. Before a text that may change them the client's channels are *installed*
/// on the backend, together with a setting as their mark, in whatever transaction is open; behind
/// the transaction a question tells what is there then. If the mark is missing, what was installed
/// has been rolled back, and with it whatever the text did.
///
/// Installed twice, a channel would be there again that a text between has given up. So before each
/// further text of the transaction the backend is asked whether the mark is still there; only
/// a savepoint that was rolled back has taken it away.
///
/// Made when the client first has to do with channels; owned by its session.
class ClientChannels {
  public:
    using Names = std::set<std::string, std::less<>>;

    /// In force, as the client has been told.
    [[nodiscard]] const Names& names() const noexcept { return names_; }
    void add(std::string_view name) { names_.emplace(name); }
    void remove(std::string_view name);
    void clear() noexcept { names_.clear(); }

    /// What the texts of this lease have to do with channels, since the last settling.
    [[nodiscard]] ChannelNote notes() const noexcept { return notes_; }
    void note(ChannelNote notes) noexcept { notes_ = notes_ | notes; }

    /// The client's channels are known to be on its backend where the next text is executed.
    [[nodiscard]] bool fresh() const noexcept { return install_ == Install::fresh; }
    /// They were installed, and texts have been sent since.
    [[nodiscard]] bool doubtful() const noexcept { return install_ == Install::used; }
    /// Appends the Query that asks whether they are still there, of which each row is wanted.
    void append_check(std::string& out);
    /// Appends the Query that installs them.
    void append_installation(std::string& out);
    /// A text is carried out, behind which it is not known any more.
    void used() noexcept {
        if (install_ == Install::fresh) install_ = Install::used;
    }

    /// Appends the Query that asks what the backend listens to now, and has it listen no more.
    void append_question(std::string& out);
    /// The body of a DataRow of an answer. False when it cannot be one.
    [[nodiscard]] bool row_received(wire::Bytes body);
    /// The answer is whole: what the client listens to from now on.
    [[nodiscard]] Names take_answer();
    /// Nothing of this lease is in doubt any more.
    void settle() noexcept {
        notes_ = ChannelNote::none;
        install_ = Install::none;
    }

  private:
    ///     none -> fresh -> used -> checking -> fresh, or none again
    enum class Install : std::uint8_t { none, fresh, used, checking };

    Names names_;
    Names found_;
    bool mark_found_ = false;
    ChannelNote notes_ = ChannelNote::none;
    Install install_ = Install::none;
};

}  // namespace sluice::pg
