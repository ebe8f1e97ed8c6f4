#include "server/sql/prepared_text.hpp"

#include "server/sql/constant.hpp"

#include <pg_query.h>

#include <cstddef>
#include <memory>

namespace sluice::sql {
namespace {

struct FreeScan {
    void operator()(PgQueryScanResult* result) const noexcept {
        pg_query_free_scan_result(*result);
    }
};

/// Reads the few forms of protobuf that tokens are written in: whole numbers, and messages with
/// their length. What libpg_query wrote is not foreign, but is not trusted to be whole either.
class TokenBytes {
  public:
    explicit TokenBytes(std::string_view bytes) : bytes_(bytes) {}

    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
    std::uint64_t number() noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0; !bytes_.empty() && shift < 64; shift += 7) {
            const auto byte = static_cast<unsigned char>(bytes_.front());
            bytes_.remove_prefix(1);
            value |= (byte & std::uint64_t{0x7f}) << shift;
            if (byte < 0x80) break;
        }
        return value;
    }
    std::string_view message() noexcept {
        const std::uint64_t length = number();
        const std::string_view taken = bytes_.substr(0, length);
        bytes_.remove_prefix(taken.size());
        return taken;
    }

  private:
    std::string_view bytes_;
};

// Wire types and field numbers. Source: pg_query.proto 15, ScanResult and ScanToken.
constexpr std::uint64_t wire_message = 2;
constexpr std::uint64_t token_start = 1;
constexpr std::uint64_t token_end = 2;

/// The text of one token; null data where it is none.
std::string_view token_text(std::string_view message, std::string_view sql) noexcept {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    for (TokenBytes bytes(message); !bytes.empty();) {
        const std::uint64_t field = bytes.number() >> 3U;
        const std::uint64_t value = bytes.number();
        if (field == token_start) start = value;
        if (field == token_end) end = value;
    }
    if (start > end || end > sql.size()) return {};
    return sql.substr(start, end - start);
}

/// Follows the tokens up to AS, which cannot be a name unless it is quoted.
class PrepareReader {
  public:
    explicit PrepareReader(std::string_view sql) : sql_(sql) {}

    [[nodiscard]] const std::optional<PreparedText>& found() const noexcept { return found_; }
    void token_read(std::string_view token) {
        if (token.starts_with("--") || token.starts_with("/*")) return;
        const auto begin = static_cast<std::size_t>(token.data() - sql_.data());
        if (place_ >= 2 && token == "(" && opened_ == 0) opened_ = begin + 1;
        if (token == ")") closed_ = begin;
        if (place_ >= 2 && token.size() == 2 && lower_case(token) == "as") {
            found_.emplace();
            found_->begin = static_cast<std::uint32_t>(begin + token.size());
            if (opened_ != 0 && closed_ > opened_)
                found_->types = sql_.substr(opened_, closed_ - opened_);
        }
        ++place_;
    }

  private:
    std::string_view sql_;
    std::optional<PreparedText> found_;
    std::size_t place_ = 0;   ///< 0: PREPARE, 1: its name.
    std::size_t opened_ = 0;  ///< Behind the first parenthesis; zero: none.
    std::size_t closed_ = 0;
};

}  // namespace

std::optional<PreparedText> find_prepared(std::string_view sql) {
    const std::string text(sql);
    PgQueryScanResult result = pg_query_scan(text.c_str());
    const std::unique_ptr<PgQueryScanResult, FreeScan> freed(&result);
    if (result.error != nullptr) return std::nullopt;
    PrepareReader reader(sql);
    for (TokenBytes bytes({result.pbuf.data, result.pbuf.len});
         !bytes.empty() && !reader.found();) {
        const std::uint64_t tag = bytes.number();
        if ((tag & 7U) != wire_message) {
            static_cast<void>(bytes.number());
            continue;
        }
        const std::string_view token = token_text(bytes.message(), sql);
        if (!token.empty()) reader.token_read(token);
    }
    return reader.found();
}

}  // namespace sluice::sql
