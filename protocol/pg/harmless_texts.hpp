#pragma once

#include "protocol/pg/statement_id.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluice::pg {

/// Texts that call what nobody here knows, and after which backends were asked in vain what had
/// been left in them: asked often enough, one is trusted until a definition changes.
///
/// Confined to: its worker.
class HarmlessTexts {
  public:
    /// So many times nothing must have been found.
    static constexpr std::uint32_t questions_enough = 3;
    static constexpr std::size_t entries_max = 4096;
    /// Longer texts hardly come again.
    static constexpr std::size_t text_bytes_max = 1024;

    [[nodiscard]] bool trusts(std::string_view text, SchemaGeneration generation);
    /// What the question after this text has found.
    void nothing_found(std::string_view text, SchemaGeneration generation);
    void something_found(std::string_view text);

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>()(text);
        }
    };
    void keep_to(SchemaGeneration generation);

    std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> found_nothing_;
    SchemaGeneration generation_;
};

}  // namespace sluice::pg
