#include "pool/shard.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <bit>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

// Two shards act in the same moment, thousands of times: one frees what the other begins to wait
// for. Whatever the order of their steps, at least one must see the other; afterwards the waiter
// is served by nothing but the orders that came out of that moment. The window of a miss would be
// a few nanoseconds, so these rounds find gross mistakes and races; the fine ones are kept away by
// the order of writing before reading that PoolShared and Budget state.

namespace sluice::pool {
namespace {

/// Starts two threads' steps together, over and over, and waits until both are done.
class Duel {
  public:
    Duel() : second_([this] { serve(); }) {}
    ~Duel() {
        step_ = nullptr;
        round_.fetch_add(1);
        second_.join();
    }
    Duel(const Duel&) = delete;
    Duel& operator=(const Duel&) = delete;

    void fight(const std::function<void()>& mine, const std::function<void()>& theirs) {
        step_ = &theirs;
        ready_ = false;
        const unsigned round = round_.fetch_add(1) + 1;
        while (!ready_)
            std::this_thread::yield();
        go_ = round;
        // The signal takes its time to the other core, and how long differs from machine to
        // machine, so the rounds try one head start after the other.
        for (unsigned spins = round % 256; spins > 0; --spins) {
            static_cast<void>(go_.load(std::memory_order_seq_cst));
        }
        mine();
        while (done_ != round)
            std::this_thread::yield();
    }

  private:
    void serve() {
        for (unsigned round = 1;; ++round) {
            while (round_ != round)
                std::this_thread::yield();
            const std::function<void()>* step = step_;
            if (step == nullptr) return;
            ready_ = true;
            // Spins without giving up its core, so that the steps begin within nanoseconds. The
            // bound is for machines with one core.
            for (int spins = 0; go_ != round; ++spins) {
                if (spins > 10'000) std::this_thread::yield();
            }
            (*step)();
            done_ = round;
        }
    }

    std::atomic<const std::function<void()>*> step_{nullptr};
    std::atomic<unsigned> round_{0};
    std::atomic<bool> ready_{false};
    std::atomic<unsigned> go_{0};
    std::atomic<unsigned> done_{0};
    std::thread second_;
};

class PoolDuel : public testing::Test {
  protected:
    static constexpr unsigned rounds = 3'000;

    void begin(std::uint32_t pool_size, std::uint32_t process_size) {
        Limits limits;
        limits.pool_size = pool_size;
        limits.wait_timeout = Duration{0};
        pool_ = std::make_unique<Budget>(pool_size);
        process_ = std::make_unique<Budget>(process_size);
        shared_ = std::make_unique<PoolShared>(
            PermitChain(pool_.get(), nullptr, nullptr, process_.get()), 2U, limits);
        for (unsigned index = 0; index < 2; ++index) {
            shards_[index] = std::make_unique<Shard>(*shared_, index, limits, index);
        }
        ASSERT_EQ(shards_[0]->acquire(waiters_[0], now_).kind, Shard::Acquired::Kind::queued);
        deliver();
        ASSERT_EQ(holder_, 0);
    }

    void TearDown() override {
        Shard& shard = *shards_[static_cast<std::size_t>(holder_)];
        shard.lost(*backend_, now_);
        shard.closed(*backend_, now_);
        for (auto& each : shards_) {
            while (each->next_action()) {
            }
        }
    }

    /// Performs orders and delivers messages until there are none.
    void deliver() {
        bool any = true;
        while (any) {
            any = false;
            for (unsigned index = 0; index < 2; ++index) {
                while (const std::optional<Action> action = shards_[index]->next_action()) {
                    any = true;
                    std::visit([&](const auto& order) { perform(index, order); }, *action);
                }
            }
        }
    }

    void perform(unsigned index, const Grant&) { holder_ = static_cast<int>(index); }
    void perform(unsigned, const Refuse&) { FAIL() << "nobody is to be refused"; }
    void perform(unsigned index, const Open&) {
        ASSERT_EQ(backend_->state(), Backend::State::none);
        shards_[index]->opening(*backend_, now_);
        shards_[index]->opened(*backend_, now_);
    }
    void perform(unsigned, const Close&) {}
    void perform(unsigned, const Reset&) { FAIL() << "nothing is to be reset"; }
    void perform(unsigned, const Check&) { FAIL() << "nothing is to be checked"; }
    void perform(unsigned, const Send& order) { shards_[order.shard]->arrived(*backend_, now_); }
    void perform(unsigned, const Wake& order) {
        shards_[static_cast<unsigned>(std::countr_zero(order.shard_mask))]->wake(now_);
    }
    void perform(unsigned index, const NeedPermit&) { shards_[1 - index]->evict_one(now_); }
    void perform(unsigned, const OfferPermit&) {
        for (auto& shard : shards_)
            shard->wake(now_);
    }

    /// The loser of the backend frees it by `free`, while the other shard begins to wait.
    void fight(const std::function<void(Shard&)>& before, const std::function<void(Shard&)>& free) {
        Duel duel;
        for (unsigned round = 0; round < rounds; ++round) {
            const auto from = static_cast<unsigned>(holder_);
            const unsigned to = 1 - from;
            before(*shards_[from]);
            deliver();
            duel.fight([&] { free(*shards_[from]); },
                       [&] { static_cast<void>(shards_[to]->acquire(waiters_[to], now_)); });
            deliver();
            ASSERT_EQ(holder_, static_cast<int>(to)) << "missed in round " << round;
        }
    }

    TimePoint now_{std::chrono::hours{1}};
    Backend backend_object_;
    Backend* backend_ = &backend_object_;
    int holder_ = -1;
    std::array<Waiter, 2> waiters_;
    std::unique_ptr<Budget> pool_;
    std::unique_ptr<Budget> process_;
    std::unique_ptr<PoolShared> shared_;
    std::array<std::unique_ptr<Shard>, 2> shards_;
};

TEST_F(PoolDuel, a_waiter_and_an_idle_backend_never_miss_each_other) {
    begin(1, 0);
    fight([](Shard&) {}, [this](Shard& shard) { shard.release(*backend_, Outcome::clean, now_); });
}

TEST_F(PoolDuel, a_waiter_and_a_permit_of_the_pool_never_miss_each_other) {
    begin(1, 0);
    fight([this](Shard& shard) { shard.release(*backend_, Outcome::broken, now_); },
          [this](Shard& shard) { shard.closed(*backend_, now_); });
}

TEST_F(PoolDuel, a_waiter_and_a_permit_of_a_shared_budget_never_miss_each_other) {
    begin(0, 1);
    fight([this](Shard& shard) { shard.release(*backend_, Outcome::broken, now_); },
          [this](Shard& shard) { shard.closed(*backend_, now_); });
}

}  // namespace
}  // namespace sluice::pool
