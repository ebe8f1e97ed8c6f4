#pragma once

#include "pool/backend.hpp"
#include "pool/intrusive_list.hpp"

namespace sluice::pool {

/// The idle backends of one shard, the most recently used on top. Reusing from the top keeps few
/// backends warm and lets the rest reach their idle timeout.
class IdleStack {
  public:
    [[nodiscard]] bool empty() const noexcept { return stack_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return stack_.size(); }
    [[nodiscard]] Backend* top() const noexcept { return stack_.front(); }
    [[nodiscard]] Backend* idlest() const noexcept { return stack_.back(); }
    /// The next one that was used more recently; null above the top.
    [[nodiscard]] Backend* above(const Backend& backend) const noexcept {
        return stack_.before(backend);
    }

    /// Puts it in its place by `idle_since`, which is the top unless it came from another shard.
    void put(Backend& backend) noexcept;
    void remove(Backend& backend) noexcept { stack_.remove(backend); }

    /// The best one used since `fresh_since`: one of equal affinity among the topmost few, else
    /// the top. Null when even the top is older.
    [[nodiscard]] Backend* freshest(std::uint32_t affinity, TimePoint fresh_since) const noexcept;

  private:
    IntrusiveList<Backend> stack_;
};

}  // namespace sluice::pool
