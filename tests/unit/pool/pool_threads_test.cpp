#include "pool/shard.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

// Real threads on what shards share. The thread sanitizer looks for races; the tests themselves
// look for bounds that are passed and for waiters that nobody serves any more.

namespace sluice::pool {
namespace {

TEST(PoolThreads, a_budget_holds_its_bound_and_no_wish_is_missed) {
    constexpr std::uint32_t limit = 3;
    constexpr int rounds = 20'000;
    Budget budget(limit);
    std::atomic<std::uint32_t> holders{0};
    std::atomic<std::uint32_t> bells{0};
    std::atomic<bool> passed{false};
    const auto work = [&] {
        for (int round = 0; round < rounds; ++round) {
            while (!budget.try_take()) {
                const std::uint32_t heard = bells.load();
                budget.want();
                if (budget.try_take()) break;
                // Sleeps like a shard does: only news from a giver ends it. A wish that a giver
                // missed would make this wait for ever.
                while (bells.load() == heard && !budget.has_room())
                    std::this_thread::yield();
            }
            if (holders.fetch_add(1) + 1 > limit) passed = true;
            holders.fetch_sub(1);
            if (budget.give_back()) bells.fetch_add(1);
        }
    };
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int started = 0; started < 4; ++started)
        threads.emplace_back(work);
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_FALSE(passed);
    EXPECT_EQ(budget.used(), 0U);
}

/// One pool over several threads. Each thread is a worker: a shard, clients that ask again and
/// again, and a mailbox for what other shards say. Time is a counter, and no limit of time
/// is set, so a waiter that is missed is missed for good and its thread never reaches its quota.
class Workers {
  public:
    static constexpr unsigned thread_count = 3;
    static constexpr std::size_t clients_each = 4;
    static constexpr std::uint64_t quota = 4'000;

    explicit Workers(std::uint32_t pool_size)
        : budget_(pool_size),
          process_(2),
          shared_(PermitChain(&budget_, nullptr, nullptr, &process_), thread_count,
                  limits(pool_size)) {
        for (unsigned index = 0; index < thread_count; ++index) {
            workers_.push_back(std::make_unique<Worker>(shared_, index, limits(pool_size)));
        }
    }

    /// True when every worker reached its quota.
    bool run() {
        std::vector<std::thread> threads;
        for (unsigned index = 0; index < thread_count; ++index) {
            threads.emplace_back([this, index] { work(*workers_[index]); });
        }
        for (std::thread& thread : threads)
            thread.join();
        bool all = true;
        for (auto& worker : workers_)
            all = all && worker->grants >= quota;
        clear_up();
        return all && !passed_ && budget_.used() == 0 && process_.used() == 0;
    }

  private:
    struct Worker {
        Worker(PoolShared& shared, unsigned at, const Limits& limits)
            : index(at), shard(shared, at, limits, at), held(clients_each), waiters(clients_each) {}
        unsigned index;
        Shard shard;
        std::vector<Backend*> held;
        std::vector<Waiter> waiters;
        std::vector<std::unique_ptr<Backend>> made;
        std::vector<Backend*> connecting;
        std::uint64_t grants = 0;
        std::uint64_t turn = 0;
        std::mutex mutex;
        std::deque<std::function<void(Worker&)>> mail;
    };

    static Limits limits(std::uint32_t pool_size) {
        Limits limits;
        limits.pool_size = pool_size;
        limits.max_connects = 1;
        limits.wait_timeout = Duration{0};
        limits.server_idle_timeout = Duration{0};
        limits.server_lifetime = Duration{0};
        return limits;
    }

    TimePoint now() { return TimePoint{std::chrono::microseconds{++clock_}}; }

    void post(unsigned to, std::function<void(Worker&)> letter) {
        const std::lock_guard lock(workers_[to]->mutex);
        workers_[to]->mail.push_back(std::move(letter));
    }

    void work(Worker& self) {
        // Bounded, so that a missed waiter fails the test and does not hang it.
        constexpr std::uint64_t turns_max = 3'000'000;
        bool counted = false;
        while (done_ < thread_count && self.turn < turns_max) {
            ++self.turn;
            const bool had_mail = read_mail(self);
            const bool moved = move_clients(self);
            finish_connects(self);
            const auto deadline = self.shard.next_deadline();
            if (deadline && *deadline <= now()) self.shard.tick(now());
            perform_all(self);
            if (!counted && self.grants >= quota) {
                counted = true;
                ++done_;
            }
            if (!had_mail && !moved) std::this_thread::yield();
        }
    }

    bool read_mail(Worker& self) {
        std::deque<std::function<void(Worker&)>> mail;
        {
            const std::lock_guard lock(self.mutex);
            mail.swap(self.mail);
        }
        for (auto& letter : mail) {
            letter(self);
            perform_all(self);
        }
        return !mail.empty();
    }

    bool move_clients(Worker& self) {
        bool moved = false;
        for (std::size_t client = 0; client < clients_each; ++client) {
            Waiter& waiter = self.waiters[client];
            // One who has its fill stops asking, so that others depend on what it gives back.
            const bool wants = self.grants < quota;
            if (self.held[client] != nullptr) {
                Backend* backend = std::exchange(self.held[client], nullptr);
                const bool worn = self.turn % 97 == 0;
                self.shard.release(*backend, worn ? Outcome::broken : Outcome::clean, now());
                moved = true;
            } else if (!waiter.waiting() && wants && (self.turn + client) % 3 == 0) {
                const Shard::Acquired got = self.shard.acquire(waiter, now());
                if (got.kind == Shard::Acquired::Kind::granted) grant(self, waiter, *got.backend);
                moved = true;
            }
            perform_all(self);
        }
        return moved;
    }

    void finish_connects(Worker& self) {
        for (Backend* backend : std::exchange(self.connecting, {})) {
            self.shard.opened(*backend, now());
            perform_all(self);
        }
    }

    void grant(Worker& self, const Waiter& waiter, Backend& backend) {
        self.held[static_cast<std::size_t>(&waiter - self.waiters.data())] = &backend;
        ++self.grants;
    }

    void perform_all(Worker& self) {
        while (const std::optional<Action> action = self.shard.next_action()) {
            std::visit([&](const auto& order) { perform(self, order); }, *action);
        }
    }

    void perform(Worker& self, const Grant& order) { grant(self, *order.waiter, *order.backend); }
    void perform(Worker&, const Refuse&) { passed_ = true; }
    void perform(Worker& self, const Open&) {
        self.made.push_back(std::make_unique<Backend>());
        self.shard.opening(*self.made.back(), now());
        self.connecting.push_back(self.made.back().get());
        if (process_.used() > process_.limit()) passed_ = true;
    }
    void perform(Worker& self, const Close& order) { self.shard.closed(*order.backend, now()); }
    void perform(Worker& self, const Reset& order) { self.shard.reset_done(*order.backend, now()); }
    void perform(Worker& self, const Check& order) { self.shard.check_done(*order.backend, now()); }
    void perform(Worker&, const Send& order) {
        post(order.shard, [this, backend = order.backend](Worker& there) {
            there.shard.arrived(*backend, now());
        });
    }
    void perform(Worker&, const Wake& order) {
        for (std::uint64_t mask = order.shard_mask; mask != 0; mask &= mask - 1) {
            post(static_cast<unsigned>(std::countr_zero(mask)),
                 [this](Worker& there) { there.shard.wake(now()); });
        }
    }
    void perform(Worker&, const NeedPermit&) {
        for (unsigned to = 0; to < thread_count; ++to) {
            post(to, [this](Worker& there) { there.shard.evict_one(now()); });
        }
    }
    void perform(Worker& self, const OfferPermit&) { perform(self, Wake{0b111}); }

    void clear_up() {
        bool mail = true;
        for (auto& worker : workers_)
            worker->shard.drain(now());
        while (std::exchange(mail, false)) {
            for (auto& worker : workers_) {
                for (Waiter& waiter : worker->waiters)
                    worker->shard.abandon(waiter, now());
                move_clients(*worker);
                finish_connects(*worker);
                mail = read_mail(*worker) || mail;
                perform_all(*worker);
            }
        }
    }

    Budget budget_;
    Budget process_;
    PoolShared shared_;
    std::atomic<std::int64_t> clock_{1'000'000};
    std::atomic<unsigned> done_{0};
    std::atomic<bool> passed_{false};
    std::vector<std::unique_ptr<Worker>> workers_;
};

TEST(PoolThreads, no_waiter_is_missed_when_the_pool_is_the_bound) {
    Workers workers(1);
    EXPECT_TRUE(workers.run());
}

TEST(PoolThreads, no_waiter_is_missed_when_a_shared_budget_is_the_bound) {
    Workers workers(8);
    EXPECT_TRUE(workers.run());
}

}  // namespace
}  // namespace sluice::pool
