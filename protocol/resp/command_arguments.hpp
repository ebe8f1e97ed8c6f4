#pragma once

#include "protocol/resp/request.hpp"

namespace sluice::resp {

/// What the arguments of a few commands decide about them. `arguments` stands behind the name.

/// XREAD, XREADGROUP: the word BLOCK before the streams are named. As a group's or consumer's name
/// it pins in vain, which harms nobody.
[[nodiscard]] bool asks_to_block(ArgumentReader arguments) noexcept;

/// CONFIG GET: nothing but what everybody may see, neither a secret nor a path.
[[nodiscard]] bool asks_for_plain_settings(ArgumentReader arguments) noexcept;

}  // namespace sluice::resp
