#include "server/net/inbox.hpp"

#include "protocol/assert.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sluice::net {

namespace {
constexpr std::size_t capacity_min = 128;
constexpr std::size_t capacity_max = std::size_t{1} << 31U;
}  // namespace

Inbox::~Inbox() {
    SLUICE_ASSERT(data_ == nullptr);
}

bool Inbox::append(wire::Bytes bytes, BufferBudget& budget) {
    if (bytes.empty()) return true;
    if (bytes.size() > capacity_ - end_) {
        const std::size_t wanted = size() + bytes.size();
        if (wanted > capacity_max) return false;
        const std::size_t capacity = std::max(capacity_min, std::bit_ceil(wanted));
        if (!budget.try_take(capacity)) return false;
        auto* const data = new std::byte[capacity];
        const std::size_t kept = size();
        if (kept > 0) std::memcpy(data, data_ + begin_, kept);
        clear(budget);
        data_ = data;
        end_ = static_cast<std::uint32_t>(kept);
        capacity_ = static_cast<std::uint32_t>(capacity);
    }
    std::memcpy(data_ + end_, bytes.data(), bytes.size());
    end_ += static_cast<std::uint32_t>(bytes.size());
    return true;
}

void Inbox::consume(std::size_t count, BufferBudget& budget) noexcept {
    begin_ += static_cast<std::uint32_t>(count);
    if (begin_ == end_) clear(budget);
}

void Inbox::clear(BufferBudget& budget) noexcept {
    if (data_ == nullptr) return;
    budget.give_back(capacity_);
    delete[] data_;
    data_ = nullptr;
    begin_ = 0;
    end_ = 0;
    capacity_ = 0;
}

}  // namespace sluice::net
