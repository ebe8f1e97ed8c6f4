#pragma once

#include "server/metrics/histogram.hpp"
#include "server/metrics/names.hpp"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::server {

[[nodiscard]] inline double seconds_of(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

/// All families in the table's order, filled sample by sample.
class Page {
  public:
    Page();

    /// `labels` are the values of the metric's label names, in the table's order.
    void add(Metric metric, std::span<const std::string_view> labels, double value);
    template <class Count>
    void add(Metric metric, std::span<const std::string_view> labels, Count value) {
        add(metric, labels, static_cast<double>(value));
    }
    void add(Metric metric, std::span<const std::string_view> labels, const Histogram& value);

    [[nodiscard]] std::string text() const;

  private:
    prometheus::ClientMetric& new_sample(Metric metric, std::span<const std::string_view> labels);

    std::vector<prometheus::MetricFamily> families_;
};

}  // namespace sluice::server
