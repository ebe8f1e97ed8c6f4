#pragma once

#include "protocol/assert.hpp"

#include <cstddef>
#include <iterator>

namespace sluice::pool {

/// What an object inherits to stand in one IntrusiveList at a time, without an allocation.
class Link {
  public:
    Link() = default;
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    [[nodiscard]] bool linked() const noexcept { return after_ != nullptr; }

  protected:
    ~Link() = default;

  private:
    template <class T>
    friend class IntrusiveList;

    Link* before_ = nullptr;
    Link* after_ = nullptr;
};

/// A doubly linked list of objects owned by others. All operations take constant time. An object
/// must leave the list before it dies.
template <class T>
class IntrusiveList {
  public:
    IntrusiveList() noexcept { root_.before_ = root_.after_ = &root_; }
    ~IntrusiveList() { root_.before_ = root_.after_ = nullptr; }
    IntrusiveList(const IntrusiveList&) = delete;
    IntrusiveList& operator=(const IntrusiveList&) = delete;

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] T* front() const noexcept { return at(root_.after_); }
    [[nodiscard]] T* back() const noexcept { return at(root_.before_); }
    /// The neighbour towards the back or the front; null at the end.
    [[nodiscard]] T* after(const T& item) const noexcept { return at(link(item).after_); }
    [[nodiscard]] T* before(const T& item) const noexcept { return at(link(item).before_); }

    void push_front(T& item) noexcept { insert(item, root_.after_); }
    void push_back(T& item) noexcept { insert(item, &root_); }
    /// Puts `item` directly behind `place`, towards the back.
    void insert_after(T& item, T& place) noexcept { insert(item, link(place).after_); }

    void remove(T& item) noexcept {
        Link& self = item;
        SLUICE_ASSERT(self.linked() && size_ > 0);
        self.before_->after_ = self.after_;
        self.after_->before_ = self.before_;
        self.before_ = self.after_ = nullptr;
        --size_;
    }

    T* pop_front() noexcept {
        T* item = front();
        if (item != nullptr) remove(*item);
        return item;
    }

  private:
    static const Link& link(const T& item) noexcept { return item; }

    T* at(Link* place) const noexcept { return place == &root_ ? nullptr : static_cast<T*>(place); }

    void insert(T& item, Link* before_this) noexcept {
        Link& self = item;
        SLUICE_ASSERT(!self.linked());
        self.after_ = before_this;
        self.before_ = before_this->before_;
        self.before_->after_ = &self;
        before_this->before_ = &self;
        ++size_;
    }

    // The list is a ring through this link, so that neither end is a special case.
    struct Root : Link {};
    Root root_;
    std::size_t size_ = 0;
};

}  // namespace sluice::pool
