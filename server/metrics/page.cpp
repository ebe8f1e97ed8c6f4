#include "server/metrics/page.hpp"

#include "protocol/assert.hpp"

#include <prometheus/text_serializer.h>

#include <limits>
#include <sstream>
#include <utility>

namespace sluice::server {

namespace {

prometheus::MetricType library_type(MetricType type) {
    switch (type) {
        case MetricType::gauge: return prometheus::MetricType::Gauge;
        case MetricType::counter: return prometheus::MetricType::Counter;
        case MetricType::histogram: return prometheus::MetricType::Histogram;
    }
    return prometheus::MetricType::Untyped;
}

}  // namespace

Page::Page() {
    families_.reserve(metric_count);
    for (const MetricName& row : metric_names()) {
        families_.push_back(
            {std::string(row.name), std::string(row.help), library_type(row.type), {}});
    }
}

void Page::add(Metric metric, std::span<const std::string_view> labels, double value) {
    prometheus::ClientMetric& sample = new_sample(metric, labels);
    sample.gauge.value = value;
    sample.counter.value = value;
}

void Page::add(Metric metric, std::span<const std::string_view> labels, const Histogram& value) {
    prometheus::ClientMetric::Histogram& sample = new_sample(metric, labels).histogram;
    sample.bucket.reserve(value.counts().size());
    std::uint64_t count = 0;
    for (std::size_t at = 0; at < value.counts().size(); ++at) {
        count += value.counts()[at];
        const bool is_last = at == Histogram::bounds.size();
        sample.bucket.push_back({count, is_last ? std::numeric_limits<double>::infinity()
                                                : seconds_of(Histogram::bounds[at])});
    }
    sample.sample_count = count;
    sample.sample_sum = seconds_of(value.sum());
}

std::string Page::text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return std::move(out).str();
}

prometheus::ClientMetric& Page::new_sample(Metric metric,
                                           std::span<const std::string_view> labels) {
    const MetricName& row = name_of(metric);
    SLUICE_ASSERT(labels.size() == row.labels.size());
    prometheus::ClientMetric sample;
    sample.label.reserve(labels.size());
    for (std::size_t at = 0; at < labels.size(); ++at) {
        sample.label.push_back({std::string(row.labels[at]), std::string(labels[at])});
    }
    auto& samples = families_[static_cast<std::size_t>(metric)].metric;
    samples.push_back(std::move(sample));
    return samples.back();
}

}  // namespace sluice::server
