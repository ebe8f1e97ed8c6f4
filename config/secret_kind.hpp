#pragma once

#include "config/settings.hpp"

namespace sluice::config {

/// What a stored secret is, told by its form as PostgreSQL and PgBouncer tell it: what looks like
/// no verifier is a password.
enum class SecretKind { none, plain, md5, scram };

[[nodiscard]] SecretKind kind_of(const Secret& secret);

/// "SCRAM-SHA-256$" at the front and yet not a whole verifier: cut off or mistyped, most likely.
[[nodiscard]] bool looks_like_broken_scram(const Secret& secret);

}  // namespace sluice::config
