#include "protocol/pg/result_shape.hpp"

#include <algorithm>
#include <cstddef>
#include <tuple>

namespace sluice::pg {

namespace {

/// FNV-1a: no peer gains anything by two results that collide but rows that he cannot read.
class Hash {
  public:
    void add(wire::Bytes bytes) noexcept {
        for (const std::byte byte : bytes)
            value_ = (value_ ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3ULL;
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

  private:
    std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

constexpr std::size_t table_bytes = 6;  // Its oid, and the column's number in it.
constexpr std::size_t type_bytes = 10;  // The type's oid and length, and the modifier.
constexpr std::size_t format_bytes = 2;

}  // namespace

ResultShape shape_of(wire::Bytes row_description) noexcept {
    wire::Cursor cursor(row_description);
    Hash hash;
    hash.add(cursor.take(2));
    while (!cursor.failed() && !cursor.finished()) {
        hash.add(wire::as_bytes(cursor.c_string()));
        hash.add(wire::Bytes(row_description).first(1));  // Between the name and what follows.
        std::ignore = cursor.take(table_bytes);
        hash.add(cursor.take(type_bytes));
        std::ignore = cursor.take(format_bytes);
    }
    if (cursor.failed()) return unseen_rows;
    return {std::max(hash.value(), unseen_rows.value + 1)};
}

}  // namespace sluice::pg
