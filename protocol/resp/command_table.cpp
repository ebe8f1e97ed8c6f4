#include "protocol/resp/command_table.hpp"

#include "protocol/assert.hpp"
#include "protocol/resp/command_list.hpp"
#include "protocol/resp/subcommand_list.hpp"

#include <array>
#include <bit>

namespace sluice::resp {

namespace {

/// FNV-1a: short names, no need against collisions on purpose, for the table is fixed.
constexpr std::uint32_t hash_start = 2'166'136'261U;
constexpr std::uint32_t hashed(std::uint32_t hash, char letter) noexcept {
    return (hash ^ static_cast<unsigned char>(letter)) * 16'777'619U;
}
std::uint32_t hash_of(std::string_view name) noexcept {
    std::uint32_t hash = hash_start;
    for (const char letter : name)
        hash = hashed(hash, letter);
    return hash;
}

char lower(char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + ('a' - 'A')) : letter;
}

}  // namespace

CommandTable::CommandTable(std::span<const CommandRow> commands,
                           std::span<const CommandRow> subcommands)
    : commands_(commands), subcommands_(subcommands), slots_(std::bit_ceil(size() * 2 + 1)) {
    SLUICE_ASSERT(size() < 0xffff);
    for (std::size_t index = 0; index < size(); ++index) {
        std::size_t slot = hash_of(at(index).name) & (slots_.size() - 1);
        while (slots_[slot] != 0)
            slot = (slot + 1) & (slots_.size() - 1);
        slots_[slot] = static_cast<std::uint16_t>(index + 1);
    }
}

const CommandRow* CommandTable::find_lower(std::string_view name,
                                           std::uint32_t hash) const noexcept {
    std::size_t slot = hash & (slots_.size() - 1);
    while (slots_[slot] != 0) {
        const CommandRow& row = at(slots_[slot] - 1U);
        if (row.name == name) return &row;
        slot = (slot + 1) & (slots_.size() - 1);
    }
    return nullptr;
}

const CommandRow* CommandTable::find(std::string_view name) const noexcept {
    std::array<char, name_bytes_max> letters;
    if (name.size() > letters.size()) return nullptr;
    std::uint32_t hash = hash_start;
    for (std::size_t index = 0; index < name.size(); ++index) {
        // A blank stands only between the two names of a subcommand, which is not asked for here.
        if (name[index] == ' ') return nullptr;
        letters[index] = lower(name[index]);
        hash = hashed(hash, letters[index]);
    }
    return find_lower({letters.data(), name.size()}, hash);
}

const CommandRow* CommandTable::find(const CommandRow& container,
                                     std::string_view subcommand) const noexcept {
    std::array<char, name_bytes_max> letters{};
    std::size_t bytes = container.name.size() + 1;
    if (bytes + subcommand.size() > letters.size()) return nullptr;
    container.name.copy(letters.data(), container.name.size());
    letters[container.name.size()] = ' ';
    for (const char letter : subcommand)
        letters[bytes++] = lower(letter);
    const std::string_view name(letters.data(), bytes);
    return find_lower(name, hash_of(name));
}

std::size_t CommandTable::index_of(const CommandRow& row) const noexcept {
    const bool is_command = &row >= commands_.data() && &row < commands_.data() + commands_.size();
    return is_command ? static_cast<std::size_t>(&row - commands_.data())
                      : commands_.size() + static_cast<std::size_t>(&row - subcommands_.data());
}

const CommandTable& known_commands() {
    static const CommandTable table(command_list, subcommand_list);
    return table;
}

std::span<const CommandRow> known_command_rows() noexcept {
    return command_list;
}

std::span<const CommandRow> known_subcommand_rows() noexcept {
    return subcommand_list;
}

}  // namespace sluice::resp
