#pragma once

#include "config/problem.hpp"
#include "config/reading.hpp"
#include "config/settings.hpp"

#include <initializer_list>
#include <string>
#include <vector>

namespace sluice::config {

/// What the parts of check() share.
struct CheckPart {
    const Settings& settings;
    const Places& places;
    std::vector<Problem>& problems;

    /// Reports at the place of the first key. Silent when one of the keys could not be read.
    void report(Severity severity, std::initializer_list<std::string> keys, std::string text) const;
};

void check_listeners(const CheckPart& part, Severity open_trust);
void check_limits(const CheckPart& part);
void check_pools(const CheckPart& part);
void check_secrets(const CheckPart& part);
void check_redis(const CheckPart& part, Severity open_trust);

}  // namespace sluice::config
