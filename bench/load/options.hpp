#pragma once

#include "bench/load/brief_client.hpp"

#include <span>
#include <string>
#include <variant>

namespace sluice::load {

struct Options {
    Errand errand;
    unsigned clients = 2000;
    unsigned seconds = 10;
};

struct HelpAsked {};

/// What is wrong with the arguments, for who typed them.
struct WrongUsage {
    std::string text;
};

extern const char* const usage;

/// `arguments`: without the program's name.
[[nodiscard]] std::variant<Options, HelpAsked, WrongUsage> read_options(
    std::span<char* const> arguments);

}  // namespace sluice::load
