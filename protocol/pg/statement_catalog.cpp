#include "protocol/pg/statement_catalog.hpp"

#include "protocol/assert.hpp"
#include "protocol/pg/statement_words.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace sluice::pg {

namespace {

Feature features_of(std::string_view body) {
    StatementScanner scanner;
    scanner.feed(wire::as_bytes(body));
    return scanner.features();
}

/// Source: PostgreSQL 15 manual, "Special Values" of dates and times: those that are turned into an
/// ordinary value when they are read, which a constant is at Parse.
constexpr std::array<std::string_view, 4> moments{"now", "today", "tomorrow", "yesterday"};

/// Whether one of them stands in a string. Strings are told by their quotes alone, and where there
/// are escapes every place counts: one too many costs a Parse.
bool has_moment(std::string_view text) {
    if (text.find_first_of("'$") == std::string_view::npos) return false;
    const bool escapes = text.find('\\') != std::string_view::npos;
    bool within = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\'') within = !within;
        const bool dollars = at > 0 && text[at - 1] == '$';
        const bool begins = at == 0 || word_byte(text[at - 1]) == 0 || dollars;
        if (!begins || !(within || escapes || dollars)) continue;
        for (const std::string_view moment : moments) {
            const std::string_view word = text.substr(at, moment.size());
            const auto same = [](char left, char right) { return word_byte(left) == right; };
            if (!std::ranges::equal(word, moment, same)) continue;
            const std::size_t end = at + moment.size();
            if (end == text.size() || word_byte(text[end]) == 0 || text[end] == '$') return true;
        }
    }
    return false;
}

}  // namespace

Statement::Statement(StatementId id, std::string_view body, std::uint32_t planning, Maker maker)
    : id_(id),
      body_(body),
      planning_(planning),
      features_(features_of(body)),
      maker_(maker),
      names_moment_(has_moment(text())) {}

const Statement* StatementCatalog::find(std::string_view body, std::uint32_t planning) const {
    const auto at = statements_.find(Key{body, planning, Maker::parse});
    return at == statements_.end() ? nullptr : at->second.get();
}

Statement& StatementCatalog::take(std::string_view body, std::uint32_t planning, Maker maker) {
    const auto at = statements_.find(Key{body, planning, maker});
    Statement* statement = at == statements_.end() ? nullptr : at->second.get();
    if (statement == nullptr) {
        auto fresh = std::make_unique<Statement>(ids_.next(), body, planning, maker);
        statement = fresh.get();
        statement->holders_ = 1;
        bytes_ += statement->bytes();
        statements_.emplace(Key{statement->body_, planning, maker}, std::move(fresh));
        forget_beyond_limits();
    } else {
        hold(*statement);
    }
    if (statement->seen_.sightings < std::numeric_limits<std::uint32_t>::max())
        ++statement->seen_.sightings;
    return *statement;
}

StatementId StatementCatalog::own_version(const Statement& statement, std::string_view name) {
    std::string body(name);
    body.append(1, '\0').append(statement.body_);
    Statement& version = take(body, statement.planning_, Maker::named_parse);
    const StatementId id = version.id();
    release(version);
    return id;
}

void StatementCatalog::hold(Statement& statement) noexcept {
    if (statement.holders_++ == 0) unlink(statement);
}

void StatementCatalog::release(Statement& statement) {
    SLUICE_ASSERT(statement.holders_ > 0);
    if (--statement.holders_ > 0) return;
    statement.older_ = newest_;
    statement.newer_ = nullptr;
    (newest_ == nullptr ? oldest_ : newest_->newer_) = &statement;
    newest_ = &statement;
    forget_beyond_limits();
}

void StatementCatalog::unlink(Statement& statement) noexcept {
    (statement.older_ == nullptr ? oldest_ : statement.older_->newer_) = statement.newer_;
    (statement.newer_ == nullptr ? newest_ : statement.newer_->older_) = statement.older_;
    statement.older_ = nullptr;
    statement.newer_ = nullptr;
}

void StatementCatalog::forget_beyond_limits() {
    const auto exceeds = [](std::size_t is, std::size_t max) { return max != 0 && is > max; };
    while (oldest_ != nullptr &&
           (exceeds(statements_.size(), limits_.count_max) || exceeds(bytes_, limits_.bytes_max))) {
        Statement& spent = *oldest_;
        unlink(spent);
        bytes_ -= spent.bytes();
        statements_.erase(Key{spent.body_, spent.planning_, spent.maker_});
    }
}

}  // namespace sluice::pg
