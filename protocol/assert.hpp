#pragma once

namespace sluice {

/// Prints the broken invariant on standard error and aborts.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace sluice

/// An invariant of our own, checked in every build. Never on anything a peer can cause: that
/// closes one client and counts. The only header that `pool/` takes from `protocol/`.
#define SLUICE_ASSERT(expression)                         \
    (static_cast<bool>(expression) ? static_cast<void>(0) \
                                   : ::sluice::assertion_failed(#expression, __FILE__, __LINE__))
