#include "server/admin/show.hpp"

#include <array>

namespace sluice::server {

namespace {

constexpr std::array<Column, 1> columns{{{"version"}}};

void rows(TableWriter& table, const Snapshot& /*snapshot*/, const ConsoleFacts& facts) {
    table.row({"Sluice " + facts.version});
}

}  // namespace

constinit const Show show_version{"version", "the version of this program",
                                  SnapshotDetail::counters, columns, rows};

}  // namespace sluice::server
