// What PREPARE and DEALLOCATE do to the statements of a client.

#include "protocol/pg/client_statements.hpp"

#include <algorithm>
#include <utility>

namespace sluice::pg {

namespace {

/// More portals of such statements in one transaction are not followed.
constexpr std::size_t portals_max = 64;

}  // namespace

void ClientStatements::begin_names(std::vector<NameEffect> effects, Owed by, std::uint32_t batch) {
    drop_effects();
    effects_ = std::move(effects);
    ++names_may_go_;
    begin({by == Owed::query ? unnamed_slot : no_slot, nullptr, Names::may_go}, batch);
}

const NameEffect* ClientStatements::effect_happened(TagMeaning tag) {
    // That all are gone is certain, wherever the words for it stood.
    if (effects_.empty() && tag == TagMeaning::statements_discarded) return nullptr;
    if (happened_ == effects_.size() || effects_[happened_].by != tag) {
        lost_track_ = true;
        return nullptr;
    }
    NameEffect& effect = effects_[happened_++];
    if (tag == TagMeaning::prepared) give(effect.name, effect.statement);
    if (tag == TagMeaning::deallocated) give(effect.name, nullptr);
    return &effect;
}

std::vector<std::string> ClientStatements::names_in_doubt() const {
    std::vector<std::string> names;
    for (std::size_t at = happened_; at < effects_.size(); ++at) {
        if (!effects_[at].name.empty()) names.push_back(effects_[at].name);
    }
    return names;
}

/// The hold of what is given passes to the slot.
void ClientStatements::give(std::string_view name, Statement* statement) {
    const std::uint32_t index = slot_for(name);
    Slot& slot = slots_[index];
    slot.given = ++given_;
    Statement* const released = std::exchange(slot.settled, statement);
    if (slot.unsettled == 0) expect(slot, statement);
    if (released != nullptr) catalog_.release(*released);
    free_if_empty(index);
}

void ClientStatements::drop_effects() {
    for (std::size_t at = happened_; at < effects_.size(); ++at) {
        if (effects_[at].statement != nullptr) catalog_.release(*effects_[at].statement);
    }
    effects_.clear();
    happened_ = 0;
}

std::vector<std::string> ClientStatements::names_by_sql() const {
    std::vector<std::string> names;
    for (const Slot& slot : slots_) {
        if (slot.name == nullptr || slot.expected == nullptr) continue;
        if (slot.expected->maker() == Maker::prepare) names.push_back(*slot.name);
    }
    return names;
}

std::vector<std::string> ClientStatements::names() const {
    std::vector<const Slot*> named;
    for (const Slot& slot : slots_) {
        if (slot.name != nullptr && slot.expected != nullptr) named.push_back(&slot);
    }
    std::ranges::sort(named, {}, &Slot::given);
    std::vector<std::string> names;
    for (const Slot* const slot : named)
        names.push_back(*slot->name);
    return names;
}

bool ClientStatements::undecided(std::uint32_t batch) const noexcept {
    return names_may_go_ > 0 || std::ranges::any_of(slots_, [batch](const Slot& slot) {
               return slot.name != nullptr && slot.unsettled > 0 && slot.batch != batch;
           });
}

void ClientStatements::bound(std::string_view portal, Statement* statement) {
    const auto at = std::ranges::find(portals_, portal, &Portal::name);
    if (at != portals_.end()) {
        catalog_.release(*at->statement);
        portals_.erase(at);
    }
    if (statement == nullptr || !statement->concerns_names()) return;
    if (portals_.size() == portals_max) {
        // Should it be executed all the same, the tag will tell.
        catalog_.release(*portals_.front().statement);
        portals_.erase(portals_.begin());
    }
    catalog_.hold(*statement);
    portals_.push_back({std::string(portal), statement});
}

Statement* ClientStatements::statement_of(std::string_view portal) const noexcept {
    const auto at = std::ranges::find(portals_, portal, &Portal::name);
    return at == portals_.end() ? nullptr : at->statement;
}

void ClientStatements::forget_portals() {
    for (const Portal& portal : portals_)
        catalog_.release(*portal.statement);
    portals_.clear();
    last_bound_.statement = {};
}

}  // namespace sluice::pg
