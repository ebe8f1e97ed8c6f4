#pragma once

#include "pool/budget.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace sluice::server {

/// Limits on clients by name (of a user, of a database), each there while somebody counts in it.
/// Thread-safe.
class ClientBudgets {
  public:
    class Named final : public pool::Budget {
      public:
        Named(std::string_view name, std::uint32_t limit) : Budget(limit), name_(name) {}

      private:
        friend class ClientBudgets;
        const std::string name_;
    };

    /// Null when as many as `limit` have taken one of this name. To be given back here.
    [[nodiscard]] Named* try_take(std::string_view name, std::uint32_t limit);
    void give_back(Named& budget);
    [[nodiscard]] std::size_t size() const;

  private:
    mutable std::mutex mutex_;
    std::map<std::string, std::unique_ptr<Named>, std::less<>> budgets_;
};

}  // namespace sluice::server
