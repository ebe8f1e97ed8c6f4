#pragma once

#include "protocol/resp/server_info.hpp"

#include "config/settings.hpp"

#include "server/net/timer_wheel.hpp"
#include "server/redis/memory_gate.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace sluice::server {

/// What is known of one Redis beyond the answers to clients: what it has said of itself lately, and
/// the gate that follows from it.
///
/// Written by the control thread, read by everybody. Thread-safe.
class RedisHealth {
  public:
    MemoryGate gate;

    void set_mode(config::MemoryGate mode);
    /// An answer to INFO.
    void answered(const resp::ServerInfo& info, net::TimePoint now);
    /// None came, or one that is none. True when that is news.
    bool unanswered(std::string error);
    /// Nobody asks it any more.
    void forget();

    struct Facts {
        std::optional<resp::ServerInfo> info;  ///< Of the last answer; none while it is silent.
        bool asked = false;                    ///< There is a control connection.
        std::uint64_t failures = 0;
        MemoryGate::State gate = MemoryGate::State::closed;
        MemoryGate::Counts gate_counts;
    };
    [[nodiscard]] Facts facts() const;

  private:
    /// An evicting server frees memory with each command, so that its refusal says little of the
    /// next one's fate. What it said last holds while it is silent.
    void enable_gate();

    mutable std::mutex mutex_;
    config::MemoryGate mode_ = config::MemoryGate::automatic;
    resp::EvictionPolicy policy_ = resp::EvictionPolicy::unknown;
    std::optional<resp::ServerInfo> info_;
    std::string error_;
    std::uint64_t failures_ = 0;
    bool asked_ = false;
};

}  // namespace sluice::server
