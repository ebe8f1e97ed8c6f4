#pragma once

#include "pool/shard.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::pool {

/// A pool under virtual time whose actions read as text: "open b1", "grant w2 b1", "close b1
/// lifetime", "send b1 s1", "wake 3". Backends bear the numbers of their opening, waiters those
/// of their making; backends opened by a test are b1, b2 and so on from 1.
class ShardRig {
  public:
    struct Shape {
        Limits limits;
        unsigned shard_count = 1;
        Budget* database = nullptr;
        Budget* user = nullptr;
        Budget* process = nullptr;
        Budget* own = nullptr;  ///< The pool's budget when it is to be seen from outside.
    };

    explicit ShardRig(Shape shape)
        : own_(shape.limits.pool_size),
          budget_(shape.own == nullptr ? own_ : *shape.own),
          shared(PermitChain(&budget_, shape.database, shape.user, shape.process),
                 shape.shard_count, shape.limits) {
        for (unsigned index = 0; index < shape.shard_count; ++index) {
            shards_.push_back(std::make_unique<Shard>(shared, index, shape.limits, 7 + index));
        }
    }
    explicit ShardRig(const Limits& limits) : ShardRig(Shape{limits}) {}

    /// Ends everything in an orderly way, whatever the test left behind.
    ~ShardRig() {
        for (auto& shard : shards_)
            shard->drain(now);
        for (unsigned index = 0; index < shards_.size(); ++index) {
            for (auto& waiter : waiters_) {
                if (waiter->waiting() && waiter_shard_[number(*waiter) - 1] == index) {
                    shards_[index]->abandon(*waiter, now);
                }
            }
            // One round may order backends that the next has to end.
            while (!actions(index).empty())
                end_backends(index);
            end_backends(index);
        }
        for (unsigned index = 0; index < shards_.size(); ++index)
            end_backends(index);
    }

    Shard& shard(unsigned index = 0) { return *shards_[index]; }
    Budget& budget() { return budget_; }
    void pass(Duration time) { now += time; }

    Waiter& waiter(std::uint32_t affinity = 0) {
        waiters_.push_back(std::make_unique<Waiter>(affinity));
        waiter_shard_.push_back(0);
        return *waiters_.back();
    }
    Waiter& w(std::size_t at) { return *waiters_.at(at - 1); }
    Backend& b(std::size_t at) { return *backends_.at(at - 1); }

    /// A new waiter asks; "granted b1", "queued" or "refused queue_full".
    std::string ask(unsigned index = 0, std::uint32_t affinity = 0) {
        Waiter& asks = waiter(affinity);
        waiter_shard_.back() = index;
        const Shard::Acquired got = shards_[index]->acquire(asks, now);
        switch (got.kind) {
            case Shard::Acquired::Kind::granted: return "granted " + name(*got.backend);
            case Shard::Acquired::Kind::queued: return "queued";
            case Shard::Acquired::Kind::refused: return "refused " + text(got.reason);
        }
        return {};
    }

    /// All orders of a shard until it has none; an Open is answered by opening() at once.
    std::string actions(unsigned index = 0) {
        std::string all;
        while (const std::optional<Action> action = shards_[index]->next_action()) {
            if (!all.empty()) all += ", ";
            all += std::visit([&](const auto& order) { return perform(order, index); }, *action);
        }
        return all;
    }

    /// Opens this many and leaves them idle.
    void fill(std::size_t count, unsigned index = 0) {
        for (std::size_t done = 0; done < count; ++done) {
            const std::size_t number = backends_.size() + 1;
            // Someone asks, goes, and leaves an open behind.
            ASSERT_EQ(ask(index), "queued");
            ASSERT_EQ(actions(index), "open b" + std::to_string(number));
            shards_[index]->opened(b(number), now);
            ASSERT_EQ(actions(index),
                      "grant w" + std::to_string(waiters_.size()) + " b" + std::to_string(number));
        }
        for (std::size_t done = 0; done < count; ++done) {
            shards_[index]->release(b(backends_.size() - done), Outcome::clean, now);
        }
        ASSERT_EQ(actions(index), "");
    }

    [[nodiscard]] std::string name(const Backend& backend) const {
        for (std::size_t at = 0; at < backends_.size(); ++at) {
            if (backends_[at].get() == &backend) return "b" + std::to_string(at + 1);
        }
        return "b?";
    }

    static std::string text(Refused reason) {
        switch (reason) {
            case Refused::queue_full: return "queue_full";
            case Refused::wait_timeout: return "wait_timeout";
            case Refused::backend_rejected: return "backend_rejected";
            case Refused::draining: return "draining";
        }
        return {};
    }
    static std::string text(CloseReason reason) {
        switch (reason) {
            case CloseReason::broken: return "broken";
            case CloseReason::idle_timeout: return "idle_timeout";
            case CloseReason::lifetime: return "lifetime";
            case CloseReason::recycled: return "recycled";
            case CloseReason::evicted: return "evicted";
            case CloseReason::over_limit: return "over_limit";
            case CloseReason::paused: return "paused";
            case CloseReason::draining: return "draining";
            case CloseReason::open_failed: return "open_failed";
            case CloseReason::lost: return "lost";
        }
        return {};
    }

    TimePoint now{std::chrono::hours{1}};

  private:
    std::string perform(const Grant& order, unsigned) {
        return "grant w" + std::to_string(number(*order.waiter)) + " " + name(*order.backend);
    }
    std::string perform(const Refuse& order, unsigned) {
        return "refuse w" + std::to_string(number(*order.waiter)) + " " + text(order.reason);
    }
    std::string perform(const Open& order, unsigned index) {
        backends_.push_back(std::make_unique<Backend>(order.affinity));
        backend_shard_.push_back(index);
        shards_[index]->opening(*backends_.back(), now);
        return "open " + name(*backends_.back());
    }
    std::string perform(const Close& order, unsigned) {
        return "close " + name(*order.backend) + " " + text(order.reason);
    }
    std::string perform(const Reset& order, unsigned) { return "reset " + name(*order.backend); }
    std::string perform(const Check& order, unsigned) { return "check " + name(*order.backend); }
    std::string perform(const Send& order, unsigned) {
        for (std::size_t at = 0; at < backends_.size(); ++at) {
            if (backends_[at].get() == order.backend) backend_shard_[at] = order.shard;
        }
        return "send " + name(*order.backend) + " s" + std::to_string(order.shard);
    }
    std::string perform(const Wake& order, unsigned) {
        return "wake " + std::to_string(order.shard_mask);
    }
    std::string perform(const NeedPermit&, unsigned) { return "need permit"; }
    std::string perform(const OfferPermit&, unsigned) { return "offer permit"; }

    [[nodiscard]] std::size_t number(const Waiter& waiter) const {
        for (std::size_t at = 0; at < waiters_.size(); ++at) {
            if (waiters_[at].get() == &waiter) return at + 1;
        }
        return 0;
    }

    void end_backends(unsigned index) {
        for (std::size_t at = 0; at < backends_.size(); ++at) {
            Backend& backend = *backends_[at];
            if (backend_shard_[at] != index || backend.state() == Backend::State::none) continue;
            if (backend.state() == Backend::State::travelling && !backend.linked()) {
                shards_[index]->arrived(backend, now);
            }
            shards_[index]->lost(backend, now);
            shards_[index]->closed(backend, now);
        }
    }

    Budget own_;
    Budget& budget_;

  public:
    PoolShared shared;

  private:
    std::vector<std::unique_ptr<Waiter>> waiters_;
    std::vector<unsigned> waiter_shard_;
    std::vector<std::unique_ptr<Backend>> backends_;
    std::vector<unsigned> backend_shard_;
    std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace sluice::pool
