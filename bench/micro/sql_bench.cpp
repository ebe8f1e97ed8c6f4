// What a SQL text costs: the scan that decides whether it must be understood, finding what it was
// understood to do, understanding it.

#include "protocol/pg/statement_features.hpp"

#include "server/sql/statement_memo.hpp"
#include "server/sql/statement_parser.hpp"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

namespace {

namespace pg = sluice::pg;
namespace sql = sluice::sql;
namespace wire = sluice::wire;

constexpr const char* pgbench_select = "SELECT abalance FROM pgbench_accounts WHERE aid = 1;";
constexpr const char* setting = "SET search_path = app, public";
constexpr const char* insert =
    "INSERT INTO orders (id, total, note) VALUES ($1, $2, $3) RETURNING id";
constexpr const char* call = "SELECT my_function(1)";
constexpr const char* report =
    "SELECT u.id, u.name, lower(u.email) AS email, count(o.*) FROM users u LEFT JOIN orders o ON"
    " o.user_id = u.id AND o.state IN ('a', 'b', 'c') WHERE u.created_at > now() - interval '1 day'"
    " AND my_function(u.id) GROUP BY u.id, u.name, u.email HAVING count(o.*) > 3 ORDER BY 1, 2"
    " LIMIT 10";

void scan(benchmark::State& state, const char* statement) {
    std::string text(statement);
    text += '\0';
    for ([[maybe_unused]] auto _ : state) {
        pg::StatementScanner scanner;
        scanner.feed(wire::as_bytes(text));
        benchmark::DoNotOptimize(scanner.features());
    }
}
BENCHMARK_CAPTURE(scan, pgbench_select, pgbench_select);
BENCHMARK_CAPTURE(scan, insert, insert);
BENCHMARK_CAPTURE(scan, call, call);
BENCHMARK_CAPTURE(scan, report, report);

void memo_hit(benchmark::State& state, const char* statement) {
    sql::StatementMemo memo({}, 1);
    const std::string text(statement);
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(&memo.read(text));
    }
}
BENCHMARK_CAPTURE(memo_hit, setting, setting);
BENCHMARK_CAPTURE(memo_hit, call, call);
BENCHMARK_CAPTURE(memo_hit, report, report);

/// As many texts as there is room for, each time another.
void memo_hit_among_many(benchmark::State& state) {
    sql::StatementMemo memo({}, 1);
    std::vector<std::string> texts;
    texts.reserve(4000);
    for (int i = 0; i < 4000; ++i)
        texts.push_back("SELECT my_function(" + std::to_string(i * 7919) + ")");
    std::size_t next = 0;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(&memo.read(texts[next]));
        next = (next + 1777) % texts.size();
    }
}
BENCHMARK(memo_hit_among_many);

/// The worst case for the memo: a text never comes back.
void memo_miss(benchmark::State& state) {
    sql::StatementMemo memo({}, 1);
    std::uint64_t number = 0;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(
            &memo.read("SELECT my_function(" + std::to_string(++number) + ")"));
    }
}
BENCHMARK(memo_miss);

void parse(benchmark::State& state, const char* statement) {
    sql::StatementParser parser;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(parser.parse(statement));
    }
}
BENCHMARK_CAPTURE(parse, pgbench_select, pgbench_select);
BENCHMARK_CAPTURE(parse, setting, setting);
BENCHMARK_CAPTURE(parse, call, call);
BENCHMARK_CAPTURE(parse, prepare, "PREPARE p (int) AS SELECT $1");
BENCHMARK_CAPTURE(parse, report, report);
BENCHMARK_CAPTURE(parse, mistake, "SELECT FROM WHERE");

}  // namespace
