#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::pg {

/// What the source of a function, or of code, says about the session it runs in.
struct FunctionBody {
    /// Nothing in it can leave anything behind.
    bool harmless = false;
    /// Settings like `app.tenant` that stand in it in full, which PostgreSQL lists nowhere.
    std::vector<std::string> placeholders;

    bool operator==(const FunctionBody&) const = default;
};

/// Of a body in SQL or PL/pgSQL. It is not parsed: words count wherever they stand, in strings and
/// comments too, so that a body is called harmless too seldom and never too often. One that builds
/// its SQL as text, calls what is not known here, or is in another language (`language` as
/// pg_language has it) never is; a C function counts as `trusted_language`.
[[nodiscard]] FunctionBody read_function_body(std::string_view language, std::string_view source);
/// Whether functions of this language leave nothing but what their authors could do in C: these are
/// judged by what is found behind them.
[[nodiscard]] bool is_compiled(std::string_view language) noexcept;

/// Whether code may make something, a table say: it speaks of CREATE, or runs what it builds.
[[nodiscard]] bool may_define(std::string_view code) noexcept;

}  // namespace sluice::pg
