#pragma once

#include "config/problem.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

/// A settings file as a tree of plain values with their places, so that only toml_document.cpp
/// has to know the TOML library.
namespace sluice::config {

struct Value;
struct Entry;
using List = std::vector<Value>;
using Table = std::vector<Entry>;  ///< In the order of the file; no key appears twice.

/// A date or a time: TOML has them, no key wants one.
struct Moment {};

struct Value {
    std::variant<std::string, std::int64_t, double, bool, Moment, List, Table> content;
    Place place;
    /// For "--set" alone: the text as it was given, which a key that wants text takes even when
    /// it looks like a number. Empty for a value out of a file.
    std::string as_written;
};

struct Entry {
    std::string key;
    Place place;
    Value value;
};

struct Document {
    Table root;
    std::vector<Problem> problems;  ///< Syntax errors.
    /// False when a syntax error hid part of the file: what is missing may be in that part.
    bool whole = true;
};

/// What a value is, for the sentence "wanted a list, found text".
[[nodiscard]] const char* kind_of(const Value& value);

}  // namespace sluice::config
