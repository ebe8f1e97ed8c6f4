#include "server/metrics/exporter.hpp"

#include "server/metrics/label_value.hpp"
#include "server/metrics/names.hpp"

#include "tests/unit/server/snapshot_sample.hpp"
#include "tests/unit/server/source_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

namespace sluice::server {
namespace {

std::string type_word(MetricType type) {
    switch (type) {
        case MetricType::gauge: return "gauge";
        case MetricType::counter: return "counter";
        case MetricType::histogram: return "histogram";
    }
    return {};
}

bool has_line(const std::string& page, const std::string& line) {
    return ("\n" + page).find("\n" + line + "\n") != std::string::npos;
}

/// The label names of a sample's line, without a histogram's own `le`.
std::set<std::string> label_names(const std::string& line) {
    std::set<std::string> names;
    for (std::size_t at = line.find('{'); at != std::string::npos;) {
        const std::size_t equals = line.find("=\"", at);
        if (equals == std::string::npos) break;
        names.insert(line.substr(at + 1, equals - at - 1));
        at = line.find('"', equals + 2) + 1;
        if (line[at] != ',') break;
    }
    names.erase("le");
    return names;
}

/// Name, type and labels of every family on a page, sorted: what dashboards rely on.
std::string names_on(const std::string& page) {
    std::map<std::string, std::string> types;
    std::map<std::string, std::set<std::string>> labels;
    std::istringstream lines(page);
    for (std::string line, current; std::getline(lines, line);) {
        if (line.starts_with("# TYPE ")) {
            std::istringstream words(line.substr(7));
            words >> current >> types[current];
        } else if (!line.starts_with('#')) {
            EXPECT_TRUE(line.starts_with(current)) << line;
            labels[current].merge(label_names(line));
        }
    }
    std::string text;
    for (const auto& [name, type] : types) {
        text += name + " " + type;
        for (const std::string& label : labels[name])
            text += " " + label;
        text += "\n";
    }
    return text;
}

TEST(Exporter, has_the_names_types_and_labels_of_the_golden_file) {
    EXPECT_EQ(names_on(metrics_text(snapshot_sample())), source_file("tests/golden/metrics.txt"));
}

TEST(Exporter, every_metric_is_described_and_no_other) {
    std::set<std::string> described, exported;
    std::istringstream lines(source_file("docs/metrics.md"));
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("| `sluice_")) continue;
        // | `name` | type | labels | meaning |
        std::string name = line.substr(3, line.find('`', 3) - 3);
        for (const MetricName& row : metric_names()) {
            if (row.name != name) continue;
            EXPECT_NE(line.find("` | " + type_word(row.type) + " |"), std::string::npos) << line;
            for (const std::string_view label : row.labels) {
                const bool is_common =
                    label == "mode" || label == "database" || label == "user" || label == "pool";
                EXPECT_TRUE(is_common ||
                            line.find("`" + std::string(label) + "`") != std::string::npos)
                    << label << " in " << line;
            }
        }
        described.insert(std::move(name));
    }
    for (const MetricName& row : metric_names())
        exported.emplace(row.name);
    EXPECT_EQ(described, exported);
}

TEST(Exporter, names_keep_the_rules_of_prometheus) {
    for (const MetricName& row : metric_names()) {
        EXPECT_TRUE(row.name.starts_with("sluice_")) << row.name;
        EXPECT_EQ(row.name.ends_with("_total"), row.type == MetricType::counter) << row.name;
        EXPECT_TRUE(row.help.ends_with('.')) << row.name;
        EXPECT_TRUE(row.type != MetricType::histogram || row.name.ends_with("_seconds"));
    }
}

TEST(Exporter, adds_up_the_workers) {
    const std::string page = metrics_text(snapshot_sample());
    const std::string app = R"({mode="postgres",database="app",user="alice",pool="alice@app")";
    const std::string cache = R"({mode="redis",database="cache")";
    for (const std::string& line : {
             std::string(R"(sluice_build_info{version="0.1.0"} 1)"),
             std::string("sluice_start_time_seconds 1769900400"),
             std::string(R"(sluice_clients{mode="postgres",state="login"} 1)"),
             std::string(R"(sluice_clients{mode="postgres",state="idle"} 87)"),
             std::string(R"(sluice_clients{mode="postgres",state="waiting"} 4)"),
             std::string(R"(sluice_clients{mode="postgres",state="active"} 6)"),
             std::string(R"(sluice_clients{mode="postgres",state="console"} 1)"),
             std::string(R"(sluice_worker_clients{worker="0"} 74)"),
             std::string(R"(sluice_worker_clients{worker="1"} 65)"),
             std::string(R"(sluice_worker_backends{worker="1"} 12)"),
             std::string(R"(sluice_refusals_total{mode="postgres",reason="login_failed"} 6)"),
             std::string(R"(sluice_refusals_total{mode="postgres",reason="shutdown"} 0)"),
             std::string(R"(sluice_cancels_total{mode="postgres",result="forwarded"} 2)"),
             std::string(R"(sluice_pools{mode="postgres"} 2)"),
             std::string(R"(sluice_clients_accepted_total{mode="redis"} 30)"),
             std::string(R"(sluice_refusals_total{mode="redis",reason="login_failed"} 0)"),
             "sluice_redis_max_connections" + cache + "} 60",
             "sluice_redis_clients" + cache + "} 40",
             "sluice_redis_backends" + cache + R"(,kind="pinned"} 6)",
             "sluice_redis_backends" + cache + R"(,kind="subscriber"} 2)",
             "sluice_redis_commands_total" + cache + "} 200",
             "sluice_redis_error_replies_total" + cache + R"(,error="oom"} 8)",
             "sluice_redis_pins_total" + cache + R"(,reason="watch"} 10)",
             "sluice_redis_up" + cache + "} 1",
             "sluice_redis_control_failures_total" + cache + "} 2",
             "sluice_redis_memory_ratio" + cache + "} 1.25",
             "sluice_redis_memory_policy_info" + cache + R"(,policy="noeviction"} 1)",
             "sluice_redis_role_info" + cache + R"(,role="master"} 1)",
             "sluice_redis_over_limit_seconds" + cache + "} 1.5",
             "sluice_redis_gate_state" + cache + R"(,state="half_open"} 1)",
             "sluice_redis_gate_state" + cache + R"(,state="closed"} 0)",
             "sluice_redis_gate_openings_total" + cache + "} 7",
             "sluice_redis_shed_commands_total" + cache + "} 12",
             "sluice_pool_size" + app + "} 8",
             "sluice_pool_backends" + app + R"(,state="active"} 6)",
             "sluice_pool_backends" + app + R"(,state="opening"} 4)",
             "sluice_pool_waiting_clients" + app + "} 4",
             "sluice_pool_oldest_wait_seconds" + app + "} 2.5",
             "sluice_pool_sent_bytes_total" + app + "} 10000000000",
             "sluice_pool_pins_total" + app + R"(,reason="listen"} 2)",
             "sluice_pool_held_backends" + app + R"(,reason="reader"} 4)",
             "sluice_pool_held_seconds_total" + app + R"(,reason="portal"} 3)",
             "sluice_pool_spool_bytes" + app + "} 8192",
             "sluice_pool_spool_refusals_total" + app + R"(,reason="memory"} 12)",
             "sluice_pool_closes_total" + app + R"(,reason="lifetime"} 8)",
             "sluice_pool_refusals_total" + app + R"(,reason="wait_timeout"} 10)",
             "sluice_pool_info" + app + R"(,pool_mode="transaction"} 1)",
         }) {
        EXPECT_TRUE(has_line(page, line)) << line << "\n" << page;
    }
}

TEST(Exporter, every_reason_is_there_before_it_occurs) {
    const std::string page = metrics_text(Snapshot{});
    for (std::size_t at = 0; at < refusal_reason_count; ++at) {
        const auto label = std::string(row_of(static_cast<RefusalReason>(at)).label);
        EXPECT_TRUE(
            has_line(page, "sluice_refusals_total{mode=\"postgres\",reason=\"" + label + "\"} 0"))
            << label;
    }
}

TEST(Exporter, histograms_are_cumulative_and_end_at_infinity) {
    const std::string page = metrics_text(snapshot_sample());
    const std::string app = R"({mode="postgres",database="app",user="alice",pool="alice@app")";
    const std::string wait = "sluice_pool_wait_seconds";
    EXPECT_TRUE(has_line(page, wait + "_bucket" + app + R"(,le="0.0001"} 2)"));
    EXPECT_TRUE(has_line(page, wait + "_bucket" + app + R"(,le="0.0025"} 2)"));
    EXPECT_TRUE(has_line(page, wait + "_bucket" + app + R"(,le="0.005"} 4)"));
    EXPECT_TRUE(has_line(page, wait + "_bucket" + app + R"(,le="+Inf"} 4)"));
    EXPECT_TRUE(has_line(page, wait + "_count" + app + "} 4"));
    const std::string query = "sluice_pool_query_seconds";
    EXPECT_TRUE(has_line(page, query + "_bucket" + app + R"(,le="120"} 0)"));
    EXPECT_TRUE(has_line(page, query + "_bucket" + app + R"(,le="+Inf"} 2)"));
    EXPECT_TRUE(has_line(page, query + "_sum" + app + "} 400"));
}

Snapshot snapshot_of_pools(std::size_t count) {
    Snapshot snapshot;
    WorkerSnapshot& worker = snapshot.workers.emplace_back();
    for (std::size_t at = 0; at < count; ++at) {
        PoolSnapshot pool;
        pool.database = "db" + std::to_string(10'000 + at);
        pool.user = "u";
        pool.counters.queries = 1;
        pool.stats.limits.pool_size = 20;
        worker.pools.push_back(pool);
    }
    return snapshot;
}

TEST(Exporter, pool_limit_holds_on_both_sides) {
    const auto samples = [](const std::string& page) {
        std::size_t count = 0;
        const std::string_view name = "\nsluice_pool_queries_total{";
        for (std::size_t at = page.find(name); at != std::string::npos;
             at = page.find(name, at + 1)) {
            ++count;
        }
        return count;
    };
    const std::string all = metrics_text(snapshot_of_pools(exported_pool_count_max));
    EXPECT_EQ(samples(all), exported_pool_count_max);
    EXPECT_EQ(all.find("(other)"), std::string::npos);

    const std::string more = metrics_text(snapshot_of_pools(exported_pool_count_max + 1));
    EXPECT_EQ(samples(more), exported_pool_count_max);
    const std::string other =
        R"-({mode="postgres",database="(other)",user="(other)",pool="(other)@(other)"} )-";
    EXPECT_TRUE(has_line(more, "sluice_pool_queries_total" + other + "2"));
    EXPECT_TRUE(has_line(more, "sluice_pool_size" + other + "40"));
    EXPECT_TRUE(has_line(
        more, R"(sluice_pools{mode="postgres"} )" + std::to_string(exported_pool_count_max + 1)));
}

TEST(Exporter, names_of_clients_cannot_break_the_page) {
    Snapshot snapshot = snapshot_of_pools(1);
    snapshot.workers[0].pools[0].database = "a\"b\\c\nd\xff";
    const std::string page = metrics_text(snapshot);
    EXPECT_NE(page.find(R"(database="a\"b\\c\nd\\xff",user="u")"), std::string::npos) << page;
}

TEST(LabelValue, keeps_utf8_and_spells_out_the_rest) {
    const std::pair<std::string, std::string> cases[] = {
        {"", ""},
        {"app", "app"},
        {"\xc3\xa9", "\xc3\xa9"},
        {"\xe2\x82\xac", "\xe2\x82\xac"},
        {"\xf0\x9f\x90\x98", "\xf0\x9f\x90\x98"},
        {"\xe9t\xe9", "\\xe9t\\xe9"},  // Latin-1.
        {"\x80", "\\x80"},             // A continuation alone.
        {"\xc3", "\\xc3"},             // Cut short.
        {"\xe2\x82", "\\xe2\\x82"},
        {"\xf0\x9f\x90", "\\xf0\\x9f\\x90"},
        {"\xc0\xaf", "\\xc0\\xaf"},  // Overlong.
        {"\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"},
        {"\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // A surrogate.
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // Above U+10FFFF.
        {"\xed\x9f\xbf", "\xed\x9f\xbf"},
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
    };
    for (const auto& [name, value] : cases)
        EXPECT_EQ(label_value(name), value);
}

TEST(LabelValue, length_limit_holds_on_both_sides) {
    const std::string longest(label_bytes_max, 'n');
    EXPECT_EQ(label_value(longest), longest);
    EXPECT_EQ(label_value(longest + "n"), longest + "...");
    // No character is cut in two.
    const std::string before(label_bytes_max - 1, 'n');
    EXPECT_EQ(label_value(before + "\xc3\xa9"), before + "...");
}

}  // namespace
}  // namespace sluice::server
