#include "protocol/pg/backend_statements.hpp"

#include <utility>

namespace sluice::pg {

BackendStatements::BackendStatements(BackendStatements&& other) noexcept {
    *this = std::move(other);
}

BackendStatements& BackendStatements::operator=(BackendStatements&& other) noexcept {
    nodes_ = std::move(other.nodes_);
    other.nodes_.clear();
    oldest_ = std::exchange(other.oldest_, nullptr);
    newest_ = std::exchange(other.newest_, nullptr);
    size_ = std::exchange(other.size_, 0);
    generation_ = other.generation_;
    unnamed_ = other.unnamed_;
    unnamed_shape_ = other.unnamed_shape_;
    unnamed_batch_ = other.unnamed_batch_;
    unnamed_unsettled_ = other.unnamed_unsettled_;
    unnamed_known_ = other.unnamed_known_;
    return *this;
}

BackendStatements::Node* BackendStatements::find(StatementId id) noexcept {
    const auto at = nodes_.find(id.value);
    return at == nodes_.end() ? nullptr : &at->second;
}

BackendStatements::Presence BackendStatements::presence(StatementId id,
                                                        std::uint32_t batch) const noexcept {
    const auto at = nodes_.find(id.value);
    if (at == nodes_.end()) return Presence::absent;
    const Node& node = at->second;
    if (node.unsettled == 0) return node.settled;
    if (node.batch != batch) return Presence::doubtful;
    return node.expected ? Presence::present : Presence::absent;
}

SchemaGeneration BackendStatements::generation(StatementId id) const noexcept {
    const auto at = nodes_.find(id.value);
    return at == nodes_.end() ? SchemaGeneration{} : at->second.generation;
}

ResultShape BackendStatements::shape(StatementId id) const noexcept {
    const auto at = nodes_.find(id.value);
    return at == nodes_.end() ? ResultShape{} : at->second.shape;
}

void BackendStatements::shape_told(StatementId id, ResultShape shape) noexcept {
    if (Node* const node = find(id)) node->shape = shape;
}

bool BackendStatements::shape_asked(StatementId id) const noexcept {
    const auto at = nodes_.find(id.value);
    return at != nodes_.end() && at->second.shape_asked;
}

void BackendStatements::ask_shape(StatementId id) noexcept {
    if (Node* const node = find(id)) node->shape_asked = true;
}

void BackendStatements::shape_settled(StatementId id) noexcept {
    if (Node* const node = find(id)) node->shape_asked = false;
}

void BackendStatements::touch(StatementId id) noexcept {
    Node* const node = find(id);
    if (node == nullptr || !node->expected || node == newest_) return;
    unlink(*node);
    link_newest(*node);
}

std::optional<StatementId> BackendStatements::surplus(std::size_t count_max) const noexcept {
    if (count_max == 0 || size_ < count_max || oldest_ == nullptr) return std::nullopt;
    return oldest_->id;
}

void BackendStatements::parse_sent(StatementId id, std::uint32_t batch) {
    Node& node = nodes_[id.value];
    node.id = id;
    node.batch = batch;
    node.generation = generation_;
    node.shape = {};
    node.shape_asked = false;
    ++node.unsettled;
    expect(node, true);
}

void BackendStatements::close_sent(StatementId id, std::uint32_t batch) {
    Node& node = nodes_[id.value];
    node.id = id;
    node.batch = batch;
    ++node.unsettled;
    expect(node, false);
}

void BackendStatements::parse_settled(StatementId id, bool happened) {
    settle(id, Presence::present, happened);
}

void BackendStatements::close_settled(StatementId id, bool happened) {
    settle(id, Presence::absent, happened);
}

void BackendStatements::settle(StatementId id, Presence now, bool happened) {
    Node* const node = find(id);
    if (node == nullptr || node->unsettled == 0) return;
    --node->unsettled;
    if (happened) node->settled = now;
    if (node->unsettled > 0) return;
    expect(*node, node->settled != Presence::absent);
    if (node->settled == Presence::absent) nodes_.erase(id.value);
}

void BackendStatements::distrust(StatementId id) {
    Node& node = nodes_[id.value];
    node.id = id;
    node.settled = Presence::doubtful;
    if (node.unsettled == 0) expect(node, true);
}

void BackendStatements::forget_all() {
    for (auto at = nodes_.begin(); at != nodes_.end();) {
        Node& node = at->second;
        node.settled = Presence::absent;
        if (node.unsettled > 0) {
            ++at;
            continue;
        }
        expect(node, false);
        at = nodes_.erase(at);
    }
}

std::vector<StatementId> BackendStatements::all() const {
    std::vector<StatementId> ids;
    ids.reserve(nodes_.size());
    for (const auto& [value, node] : nodes_)
        ids.push_back(node.id);
    return ids;
}

void BackendStatements::expect(Node& node, bool present) noexcept {
    if (node.expected == present) return;
    node.expected = present;
    if (present) {
        link_newest(node);
        ++size_;
    } else {
        unlink(node);
        --size_;
    }
}

void BackendStatements::unlink(Node& node) noexcept {
    (node.older == nullptr ? oldest_ : node.older->newer) = node.newer;
    (node.newer == nullptr ? newest_ : node.newer->older) = node.older;
    node.older = nullptr;
    node.newer = nullptr;
}

void BackendStatements::link_newest(Node& node) noexcept {
    node.older = newest_;
    node.newer = nullptr;
    (newest_ == nullptr ? oldest_ : newest_->newer) = &node;
    newest_ = &node;
}

void BackendStatements::unnamed_sent(StatementId id, std::uint32_t batch) noexcept {
    unnamed_ = id;
    unnamed_shape_ = {};
    unnamed_batch_ = batch;
    unnamed_known_ = true;
    ++unnamed_unsettled_;
}

void BackendStatements::unnamed_settled(bool happened) noexcept {
    if (unnamed_unsettled_ > 0) --unnamed_unsettled_;
    if (!happened) unnamed_known_ = false;
}

}  // namespace sluice::pg
