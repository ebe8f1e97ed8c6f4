#pragma once

#include <cstddef>
#include <vector>

namespace sluice::wire {

/// A queue in a ring that grows by doubling and never shrinks: for what there are few of, and what
/// turns over with every request. Entries are copied, not moved; those given up stay as they are
/// until their place is used again.
template <typename T>
class Ring {
  public:
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }

    /// By age, the oldest first. `index` must be below size().
    [[nodiscard]] T& operator[](std::size_t index) noexcept { return places_[place(index)]; }
    [[nodiscard]] const T& operator[](std::size_t index) const noexcept {
        return places_[place(index)];
    }
    [[nodiscard]] T& front() noexcept { return places_[head_]; }
    [[nodiscard]] const T& front() const noexcept { return places_[head_]; }
    [[nodiscard]] T& back() noexcept { return (*this)[count_ - 1]; }

    void push_back(const T& entry) {
        if (count_ == places_.size()) grow();
        places_[place(count_)] = entry;
        ++count_;
    }
    void pop_front() noexcept {
        head_ = place(1);
        --count_;
    }
    /// Gives up the youngest, so that `count` stay; nothing where there are no more.
    void keep_oldest(std::size_t count) noexcept {
        if (count < count_) count_ = count;
    }
    void clear() noexcept {
        head_ = 0;
        count_ = 0;
    }

  private:
    /// The capacity is a power of two.
    [[nodiscard]] std::size_t place(std::size_t index) const noexcept {
        return (head_ + index) & (places_.size() - 1);
    }
    void grow() {
        std::vector<T> larger(places_.size() * 2);
        for (std::size_t index = 0; index < count_; ++index)
            larger[index] = (*this)[index];
        places_.swap(larger);
        head_ = 0;
    }

    std::vector<T> places_ = std::vector<T>(16);
    std::size_t head_ = 0;
    std::size_t count_ = 0;
};

}  // namespace sluice::wire
