#pragma once

#include "protocol/pg/statement_catalog.hpp"
#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::pg {

/// A batch as it went to the backend, kept in case it must be sent once more: from its first Bind
/// on, which relies on a statement that the backend was taught earlier. If the definitions it was
/// planned under have changed since ("cached plan must not change result type"), nothing has been
/// carried out yet, and with the statement parsed anew the same bytes succeed.
///
/// Longer batches are not kept. Confined to: its backend's session.
class Encore {
  public:
    static constexpr std::size_t bytes_max = 16U * 1024U;

    void begin(const Statement& relied_on) noexcept {
        statement_ = &relied_on;
        state_ = State::records;
        bytes_.clear();
    }
    /// What is sent now belongs to it.
    [[nodiscard]] bool records() const noexcept { return state_ == State::records; }
    [[nodiscard]] bool idle() const noexcept { return state_ == State::idle; }
    void append(std::string_view bytes) {
        if (bytes_.size() + bytes.size() > bytes_max) {
            state_ = State::spoilt;
        } else {
            bytes_.append(bytes);
        }
    }
    /// Its Sync has been sent.
    void batch_ended() noexcept {
        if (state_ == State::records) state_ = State::whole;
    }
    [[nodiscard]] bool whole() const noexcept { return state_ == State::whole; }
    void drop() noexcept { state_ = State::idle; }

    /// While it is whole, and its client's statements are what they were.
    [[nodiscard]] const Statement& statement() const noexcept { return *statement_; }
    [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

  private:
    enum class State : std::uint8_t {
        idle,
        records,
        whole,
        spoilt,  ///< Too long; to its end nothing is kept.
    };

    const Statement* statement_ = nullptr;
    std::string bytes_;
    State state_ = State::idle;
};

}  // namespace sluice::pg
