// What one query costs in our own code, without any socket: framing, scanning, accounting.

#include "protocol/pg/backend_session.hpp"
#include "protocol/pg/client_session.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace {

namespace pg = sluice::pg;
namespace wire = sluice::wire;

std::string frame(char type, std::string_view body) {
    std::string bytes(1, type);
    const auto length = static_cast<std::uint32_t>(body.size() + 4);
    for (unsigned i = 0; i < 4; ++i) {
        bytes += static_cast<char>((length >> (24U - 8U * i)) & 0xffU);
    }
    return bytes.append(body);
}

const std::string query =
    frame('Q', std::string("SELECT abalance FROM pgbench_accounts WHERE aid = 31337;") + '\0');
const std::string reply = frame('T', std::string(28, 'x')) + frame('D', std::string(12, 'x')) +
                          frame('C', std::string("SELECT 1") + '\0') + frame('Z', "I");

void client_query(benchmark::State& state) {
    pg::ClientSession session;
    for (auto _ : state) {
        benchmark::DoNotOptimize(session.next(wire::as_bytes(query), pg::Lending::leased));
    }
}
BENCHMARK(client_query);

void backend_reply(benchmark::State& state) {
    pg::BackendSession session;
    for (auto _ : state) {
        session.sent({pg::Owed::query, pg::Audience::client});
        benchmark::DoNotOptimize(session.next(wire::as_bytes(reply)));
    }
}
BENCHMARK(backend_reply);

void statement_scan(benchmark::State& state) {
    const std::string text(static_cast<std::size_t>(state.range(0)), 'a');
    for (auto _ : state) {
        pg::StatementScanner scanner;
        scanner.feed(wire::as_bytes(text));
        benchmark::DoNotOptimize(scanner.features());
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(statement_scan)->Arg(64)->Arg(16384);

}  // namespace
