#pragma once

#include "protocol/resp/owed_queue.hpp"
#include "protocol/resp/reply_scanner.hpp"
#include "protocol/wire/cursor.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::resp {

/// What a server's error says of itself rather than of the request.
enum class ErrorKind : std::uint8_t {
    other,
    oom,
    loading,
    busy,
    readonly,
    masterdown,
    moved,
    ask,
    execabort,
    noauth,
    execabort_oom,  ///< EXECABORT for want of memory, where the first word does not say so.
    noperm,
    misconf,
    noreplicas,
    clusterdown,
    tryagain,
    crossslot,
    noscript,
};
inline constexpr std::size_t error_kind_count = 18;
[[nodiscard]] ErrorKind error_kind_of(std::string_view error_text) noexcept;
/// In metrics.
[[nodiscard]] std::string_view name_of(ErrorKind kind) noexcept;

/// Bytes of a backend that belong together.
struct BackendRun {
    enum class Event : std::uint8_t { none, violation };
    Event event = Event::none;
    std::size_t bytes = 0;      ///< 0 without a violation: half a header, to be offered again.
    std::uint32_t replies = 0;  ///< Ended within these bytes.
    Owner owner = Owner::nobody;
    std::uint32_t oom_replies = 0;  ///< Of those: refused for want of memory, whole or in part.
    bool demoted = false;           ///< A reply says that this server takes no writes any more.
    enum class Probe : std::uint8_t { none, accepted, refused, unclear };
    Probe probe = Probe::none;  ///< The reply that was asked after, by what it says of memory.
};

/// One backend's conversation after its login: matches replies with those they are owed to, first
/// in, first out. Several clients may share it.
///
/// Never pauses on one client's account and never skips a reply: whoever is gone is still answered,
/// into nothing. Nothing here performs I/O.
class BackendSession {
  public:
    /// `replies` more are owed to `owner`, behind `skipped` that go to nobody.
    void requested(Owner owner, std::uint32_t replies, std::uint32_t skipped = 0) {
        owed_.push(Owner::nobody, skipped);
        owed_.push(owner, replies);
    }
    void disown(Owner owner) noexcept { owed_.disown(owner); }
    /// The last reply that is owed now is to be told of, see BackendRun::probe. One at a time.
    void probe() noexcept {
        if (probe_in_ == 0) probe_in_ = owed_.size();
    }

    /// The next bytes that go to one owner, as many as there are. A push belongs to `push_owner`.
    [[nodiscard]] BackendRun next(wire::Bytes available, Owner push_owner = Owner::nobody) noexcept;

    [[nodiscard]] bool settled() const noexcept {
        return owed_.empty() && !scanner_.within_reply();
    }
    /// Part of a push has gone to its owner.
    [[nodiscard]] bool within_push() const noexcept { return scanner_.within_push(); }
    [[nodiscard]] std::size_t owed_count() const noexcept { return owed_.size(); }
    [[nodiscard]] const OwedQueue& owed() const noexcept { return owed_; }
    /// Part of a reply has gone to this one; nobody when none is under way.
    [[nodiscard]] Owner within_reply_of() const noexcept;
    [[nodiscard]] const std::array<std::uint64_t, error_kind_count>& errors() const noexcept {
        return errors_;
    }

  private:
    void replied(BackendRun& run) noexcept;

    OwedQueue owed_;
    ReplyScanner scanner_;
    std::array<std::uint64_t, error_kind_count> errors_{};  ///< Replies, by kind, ever growing.
    std::size_t probe_in_ = 0;  ///< Replies up to the one that is asked after. 0: none is.
};

}  // namespace sluice::resp
