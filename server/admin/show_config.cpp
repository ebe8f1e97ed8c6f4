#include "server/admin/show.hpp"

#include <algorithm>
#include <array>

namespace sluice::server {

namespace {

constexpr std::array<Column, 4> columns{{{"key"}, {"value"}, {"default"}, {"changeable"}}};

void rows(TableWriter& table, const Snapshot& /*snapshot*/, const ConsoleFacts& facts) {
    for (const auto& setting : facts.settings) {
        const auto standard =
            std::find_if(facts.defaults.begin(), facts.defaults.end(),
                         [&](const auto& pair) { return pair.first == setting.first; });
        // Nothing can be changed by SET here, hence the "no".
        table.row({setting.first, setting.second,
                   standard == facts.defaults.end() ? Cell(nullptr) : Cell(standard->second),
                   "no"});
    }
}

}  // namespace

constinit const Show show_config{"config", "the settings in force", SnapshotDetail::counters,
                                 columns, rows};

}  // namespace sluice::server
