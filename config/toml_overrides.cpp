#include "config/keys.hpp"
#include "config/limits.hpp"

#include <array>

namespace sluice::config {

std::span<const Key<Overrides>> override_keys() {
    using O = Overrides;
    static constexpr std::array keys{
        key<O, &O::pool_mode>("pool_mode"),
        key<O, &O::pool_size>("pool_size", pool_size_range),
        key<O, &O::min_pool_size>("min_pool_size", backend_count_range),
        key<O, &O::reserve_pool_size>("reserve_pool_size", backend_count_range),
        key<O, &O::reserve_pool_timeout>("reserve_pool_timeout"),
        key<O, &O::max_waiters>("max_waiters", client_count_range),
        key<O, &O::wait_timeout>("wait_timeout"),
        key<O, &O::query_timeout>("query_timeout"),
        key<O, &O::idle_transaction_timeout>("idle_transaction_timeout"),
        key<O, &O::portal_stall_timeout>("portal_stall_timeout"),
        key<O, &O::transaction_timeout>("transaction_timeout"),
        key<O, &O::slow_reader_timeout>("slow_reader_timeout"),
        key<O, &O::spool_bytes_max>("spool_bytes_max", spool_bytes_range),
        key<O, &O::client_idle_timeout>("client_idle_timeout"),
        key<O, &O::server_idle_timeout>("server_idle_timeout"),
        key<O, &O::server_lifetime>("server_lifetime"),
        key<O, &O::max_prepared_statements>("max_prepared_statements", statement_count_range),
        key<O, &O::auto_prepare>("auto_prepare"),
        key<O, &O::deferred_begin>("deferred_begin"),
        key<O, &O::probe>("probe"),
        key<O, &O::pin_timeout>("pin_timeout"),
    };
    return keys;
}

}  // namespace sluice::config
