#include "config/file_text.hpp"
#include "config/keys.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>

namespace sluice::config {
namespace {

/// Without the signs that only TOML or Markdown needs: quotes, brackets, backticks.
std::string bare(std::string text) {
    std::erase_if(text, [](char c) { return c == '"' || c == '[' || c == ']' || c == '`'; });
    const auto first = text.find_first_not_of(' ');
    const auto last = text.find_last_not_of(' ');
    return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

/// "section.key" and the default of every row: | `key` | unit | default | meaning |
/// below a title like: ## [postgres]
std::map<std::string, std::string> documented_defaults() {
    std::map<std::string, std::string> defaults;
    const auto text = read_file(SLUICE_SETTINGS_DOCUMENT, 1 << 20).text.value_or("");
    std::istringstream lines(text);
    std::string section;
    bool in_section = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("## ")) {
            section = bare(line.substr(3));
            in_section = line.starts_with("## [");
        }
        if (!in_section || !line.starts_with("| `")) continue;
        std::istringstream cells(line.substr(1));
        std::string key;
        std::string unit;
        std::string standard;
        std::getline(cells, key, '|');
        std::getline(cells, unit, '|');
        std::getline(cells, standard, '|');
        EXPECT_TRUE(defaults.emplace(section + "." + bare(key), bare(standard)).second) << key;
        EXPECT_NE(bare(unit), "") << key;
    }
    return defaults;
}

TEST(SettingsDocument, names_every_key_with_the_default_that_holds) {
    auto documented = documented_defaults();
    for (const auto& known : known_keys()) {
        const auto name = known.section + "." + known.name;
        const auto found = documented.find(name);
        if (found == documented.end()) {
            ADD_FAILURE() << "docs/settings.md says nothing of " << name;
            continue;
        }
        EXPECT_EQ(found->second, bare(known.standard)) << name;
        documented.erase(found);
    }
    for (const auto& [name, standard] : documented) {
        ADD_FAILURE() << "docs/settings.md names " << name << ", which is no key";
    }
}

TEST(SettingsDocument, no_key_is_there_twice) {
    std::map<std::string, int> counts;
    for (const auto& known : known_keys())
        ++counts[known.section + "." + known.name];
    for (const auto& [name, count] : counts)
        EXPECT_EQ(count, 1) << name;
}

}  // namespace
}  // namespace sluice::config
