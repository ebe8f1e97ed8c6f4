#include "server/admin/show.hpp"

#include <array>
#include <cctype>

namespace sluice::server {

namespace {

constexpr std::array<Column, 2> columns{{{"command"}, {"shows"}}};

void rows(TableWriter& table, const Snapshot& /*snapshot*/, const ConsoleFacts& /*facts*/) {
    for (const Show* show : shows()) {
        std::string command = "SHOW ";
        for (const char letter : show->word) {
            command += static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
        }
        table.row({command, show->meaning});
    }
}

}  // namespace

constinit const Show show_help{"help", "the commands of this console", SnapshotDetail::counters,
                               columns, rows};

}  // namespace sluice::server
