#pragma once

#include "protocol/wire/cursor.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// ErrorResponse and NoticeResponse. Source: PostgreSQL 17 manual, "Error and Notice Message
/// Fields".
namespace sluice::pg {

using wire::Bytes;

/// Fields of an error or notice; views into its body, empty where the sender left one out.
struct ErrorFields {
    std::string_view severity;        ///< S: as the sender's language has it.
    std::string_view severity_plain;  ///< V: never translated; absent before PostgreSQL 9.6.
    std::string_view sqlstate;        ///< C: five characters, or empty when it was none.
    std::string_view message;         ///< M
    std::string_view detail;          ///< D
    std::string_view hint;            ///< H
    std::string_view position;        ///< P
    std::string_view where;           ///< W
    std::string_view constraint;      ///< n
    std::string_view routine;         ///< R

    /// True when the sender ends the connection after this.
    [[nodiscard]] bool is_fatal() const noexcept;
};

/// Never fails: a body cut short or without a required field yields what it has. Nothing may rely
/// on a field that a hostile backend can leave out.
[[nodiscard]] ErrorFields parse_error_fields(Bytes body) noexcept;

enum class Severity : std::uint8_t { notice, warning, error, fatal };

/// An ErrorResponse. Empty detail and hint are left out; a text is cut at a zero byte.
void append_error(std::string& out, Severity severity, std::string_view sqlstate,
                  std::string_view message, std::string_view detail = {},
                  std::string_view hint = {});

/// "Cached plan must not change result type" is one of many features not supported; its words may
/// be translated, the name of the function that says so never is, and clients go by it.
inline constexpr std::string_view outdated_plan_state = "0A000";
inline constexpr std::string_view outdated_plan_routine = "RevalidateCachedQuery";
/// That error, as PostgreSQL gives it but for the line of its source.
void append_outdated_plan_error(std::string& out);

void append_notice(std::string& out, Severity severity, std::string_view sqlstate,
                   std::string_view message, std::string_view detail = {},
                   std::string_view hint = {});

}  // namespace sluice::pg
