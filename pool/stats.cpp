#include "pool/stats.hpp"

#include <algorithm>

namespace sluice::pool {
namespace {

template <class Array>
void add(Array& sum, const Array& more) noexcept {
    for (std::size_t at = 0; at < sum.size(); ++at)
        sum[at] += more[at];
}

}  // namespace

Counters& Counters::operator+=(const Counters& other) noexcept {
    acquires += other.acquires;
    grants_at_once += other.grants_at_once;
    grants_after_wait += other.grants_after_wait;
    wait_time += other.wait_time;
    abandons += other.abandons;
    add(refusals, other.refusals);
    opens += other.opens;
    open_failures += other.open_failures;
    open_shortages += other.open_shortages;
    add(closes, other.closes);
    resets += other.resets;
    checks += other.checks;
    sends += other.sends;
    return *this;
}

Stats& Stats::operator+=(const Stats& other) noexcept {
    add(backends, other.backends);
    opens_ordered += other.opens_ordered;
    waiters += other.waiters;
    oldest_wait = std::max(oldest_wait, other.oldest_wait);
    limits = other.limits;
    counters += other.counters;
    return *this;
}

}  // namespace sluice::pool
