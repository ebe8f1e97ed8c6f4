#include "server/redis/health.hpp"

#include <utility>

namespace sluice::server {

namespace {

/// Below this part of its limit a server has room for more than what is on its way.
constexpr double free_ratio = 0.97;

MemoryGate::Memory memory_of(const resp::ServerInfo& info) noexcept {
    const std::uint64_t counted = info.counted_memory_bytes();
    const std::uint64_t limit = info.max_memory_bytes;
    if (limit == 0 || static_cast<double>(counted) < static_cast<double>(limit) * free_ratio) {
        return MemoryGate::Memory::free;
    }
    // With any other policy the next command may find something to evict.
    const bool spent = counted > limit && info.policy == resp::EvictionPolicy::noeviction;
    return spent ? MemoryGate::Memory::spent : MemoryGate::Memory::between;
}

}  // namespace

void RedisHealth::enable_gate() {
    using Mode = config::MemoryGate;
    const bool never_evicts = policy_ == resp::EvictionPolicy::noeviction;
    gate.enable(mode_ == Mode::on || (mode_ == Mode::automatic && never_evicts));
}

void RedisHealth::set_mode(config::MemoryGate mode) {
    const std::lock_guard lock(mutex_);
    mode_ = mode;
    enable_gate();
}

void RedisHealth::answered(const resp::ServerInfo& info, net::TimePoint now) {
    const std::lock_guard lock(mutex_);
    info_ = info;
    asked_ = true;
    error_.clear();
    policy_ = info.policy;
    enable_gate();
    gate.measured(memory_of(info), now);
}

bool RedisHealth::unanswered(std::string error) {
    const std::lock_guard lock(mutex_);
    info_.reset();
    asked_ = true;
    ++failures_;
    const bool is_news = error_ != error;
    error_ = std::move(error);
    return is_news;
}

void RedisHealth::forget() {
    const std::lock_guard lock(mutex_);
    info_.reset();
    asked_ = false;
    policy_ = resp::EvictionPolicy::unknown;
    enable_gate();
}

RedisHealth::Facts RedisHealth::facts() const {
    const std::lock_guard lock(mutex_);
    return {info_, asked_, failures_, gate.state(), gate.counts()};
}

}  // namespace sluice::server
