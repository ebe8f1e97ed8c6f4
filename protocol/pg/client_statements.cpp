#include "protocol/pg/client_statements.hpp"

#include "protocol/assert.hpp"

#include <utility>

namespace sluice::pg {

namespace {

/// NAMEDATALEN - 1.
constexpr std::size_t name_bytes_told_apart = 63;
/// Settled changes at the front of the list before they are removed from a list never empty.
constexpr std::size_t settled_max = 64;

std::string_view key_of(std::string_view name) noexcept {
    return name.substr(0, name_bytes_told_apart);
}

}  // namespace

ClientStatements::~ClientStatements() {
    settle_nothing();
    forget_portals();
    for (const Slot& slot : slots_) {
        if (slot.settled != nullptr) catalog_.release(*slot.settled);
    }
}

ClientStatements::Found ClientStatements::find(std::string_view name, std::uint32_t batch) const {
    std::uint32_t index = unnamed_slot;
    if (!name.empty()) {
        const auto at = names_.find(key_of(name));
        if (names_may_go_ > 0) return {Standing::undecided, 0, nullptr};
        if (at == names_.end()) return {};
        index = at->second;
    }
    const Slot& slot = slots_[index];
    if (slot.unsettled > 0 && slot.batch != batch) return {Standing::undecided, index, nullptr};
    if (slot.expected == nullptr) return {Standing::absent, index, nullptr};
    return {Standing::held, index, slot.expected, slot.generation, slot.told};
}

std::string_view ClientStatements::name_of(std::uint32_t slot) const noexcept {
    if (slot >= slots_.size() || slots_[slot].name == nullptr) return {};
    return *slots_[slot].name;
}

std::uint32_t ClientStatements::begin_parse(std::string_view name, Statement& statement,
                                            std::uint32_t batch, SchemaGeneration generation) {
    const std::uint32_t index = name.empty() ? unnamed_slot : slot_for(name);
    slots_[index].generation = generation;
    slots_[index].told = {};
    slots_[index].given = ++given_;
    begin({index, &statement}, batch);
    return index;
}

void ClientStatements::told(std::uint32_t slot, StatementId id, ResultShape shape) noexcept {
    if (slot >= slots_.size() || slots_[slot].expected == nullptr) return;
    if (slots_[slot].expected->id() == id) slots_[slot].told = shape;
}

std::uint32_t ClientStatements::slot_for(std::string_view name) {
    auto at = names_.find(key_of(name));
    if (at == names_.end()) {
        if (free_.empty()) {
            free_.push_back(static_cast<std::uint32_t>(slots_.size()));
            slots_.emplace_back();
        }
        at = names_.emplace(std::string(key_of(name)), free_.back()).first;
        free_.pop_back();
        slots_[at->second].name = &at->first;
    }
    return at->second;
}

void ClientStatements::begin_close(std::uint32_t slot, std::uint32_t batch) {
    begin({slot, nullptr}, batch);
}

void ClientStatements::begin_query(Names names, std::uint32_t batch) {
    if (names == Names::may_go) ++names_may_go_;
    begin({unnamed_slot, nullptr, names}, batch);
}

void ClientStatements::drop_unnamed() {
    settle_nothing();
    begin_query(Names::stay, 0);
    settle(Outcome::happened);
}

void ClientStatements::begin(Change change, std::uint32_t batch) {
    changes_.push_back(change);
    if (change.slot == no_slot) return;
    Slot& slot = slots_[change.slot];
    ++slot.unsettled;
    slot.batch = batch;
    expect(slot, change.statement);
}

void ClientStatements::settle(Outcome outcome, Basis basis) {
    SLUICE_ASSERT(settled_to_ < changes_.size());
    const Change change = changes_[settled_to_++];
    if (settled_to_ == changes_.size()) {
        changes_.clear();
        settled_to_ = 0;
    } else if (settled_to_ == settled_max) {
        changes_.erase(changes_.begin(), changes_.begin() + settled_max);
        settled_to_ = 0;
    }
    if (change.names == Names::may_go) {
        --names_may_go_;
        drop_effects();
    }
    if (change.slot == no_slot) return;
    Slot& slot = slots_[change.slot];
    --slot.unsettled;
    Statement* released = change.statement;
    if (outcome == Outcome::happened) {
        const bool last = change.statement != nullptr && slot.unsettled == 0;
        if (last && basis == Basis::committed) change.statement->set_parsed_in(slot.generation);
        released = std::exchange(slot.settled, change.statement);
    }
    if (outcome == Outcome::failed && change.slot == unnamed_slot) {
        if (slot.settled != nullptr) catalog_.release(*slot.settled);
        slot.settled = nullptr;
    }
    if (slot.unsettled == 0) expect(slot, slot.settled);
    if (released != nullptr) catalog_.release(*released);
    free_if_empty(change.slot);
}

void ClientStatements::settle_nothing() {
    while (settled_to_ < changes_.size())
        settle(Outcome::read_over);
}

void ClientStatements::forget_names() {
    for (std::uint32_t index = 1; index < slots_.size(); ++index) {
        Slot& slot = slots_[index];
        if (slot.settled == nullptr) {
            free_if_empty(index);
            continue;
        }
        // The slot keeps its name until the next time: an error may have to show it.
        Statement* const released = slot.settled;
        slot.settled = nullptr;
        if (slot.unsettled == 0) expect(slot, nullptr);
        catalog_.release(*released);
    }
}

void ClientStatements::expect(Slot& slot, Statement* statement) noexcept {
    const bool named = slot.name != nullptr;
    const auto by_sql = [](const Statement& one) {
        return one.maker() == Maker::prepare ? 1U : 0U;
    };
    if (named && slot.expected != nullptr) {
        --count_;
        bytes_ -= slot.expected->bytes();
        by_sql_ -= by_sql(*slot.expected);
    }
    slot.expected = statement;
    if (named && statement != nullptr) {
        ++count_;
        bytes_ += statement->bytes();
        by_sql_ += by_sql(*statement);
    }
}

void ClientStatements::free_if_empty(std::uint32_t index) {
    Slot& slot = slots_[index];
    if (slot.name == nullptr || slot.unsettled > 0 || slot.settled != nullptr) return;
    const auto at = names_.find(*slot.name);
    slot = {};
    names_.erase(at);
    free_.push_back(index);
}

}  // namespace sluice::pg
