#include "server/net/chunk.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::net {

ChunkStore::~ChunkStore() {
    while (spare_ != nullptr) {
        Chunk* const next = spare_->next;
        delete spare_;
        spare_ = next;
    }
}

Chunk* ChunkStore::borrow() {
    if (!budget_.try_take(sizeof(Chunk))) return nullptr;
    if (spare_ == nullptr) return new Chunk;
    Chunk* const chunk = spare_;
    spare_ = chunk->next;
    --spare_count_;
    chunk->next = nullptr;
    chunk->begin = 0;
    chunk->end = 0;
    return chunk;
}

void ChunkStore::give_back(Chunk* chunk) noexcept {
    budget_.give_back(sizeof(Chunk));
    if (spare_count_ == spare_count_max) {
        delete chunk;
        return;
    }
    chunk->next = spare_;
    spare_ = chunk;
    ++spare_count_;
}

bool ChunkQueue::append(wire::Bytes bytes) {
    while (!bytes.empty()) {
        if (tail_ == nullptr || tail_->end == Chunk::bytes_max) {
            Chunk* const chunk = store_->borrow();
            if (chunk == nullptr) return false;
            (tail_ == nullptr ? head_ : tail_->next) = chunk;
            tail_ = chunk;
        }
        const std::size_t taken = std::min(bytes.size(), Chunk::bytes_max - tail_->end);
        std::memcpy(tail_->bytes + tail_->end, bytes.data(), taken);
        tail_->end += static_cast<std::uint32_t>(taken);
        bytes_ += taken;
        bytes = bytes.subspan(taken);
    }
    return true;
}

wire::Bytes ChunkQueue::front() const noexcept {
    if (head_ == nullptr) return {};
    return {head_->bytes + head_->begin, head_->end - head_->begin};
}

void ChunkQueue::consume(std::size_t count) noexcept {
    bytes_ -= count;
    while (count > 0) {
        const std::size_t taken = std::min<std::size_t>(count, head_->end - head_->begin);
        head_->begin += static_cast<std::uint32_t>(taken);
        count -= taken;
        if (head_->begin < head_->end) return;
        Chunk* const spent = head_;
        head_ = spent->next;
        if (head_ == nullptr) tail_ = nullptr;
        store_->give_back(spent);
    }
}

void ChunkQueue::clear() noexcept {
    if (bytes_ > 0) consume(bytes_);
}

}  // namespace sluice::net
