#pragma once

#include "protocol/pg/password.hpp"

#include "config/settings.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace sluice::server {

/// Who may enter, and what their secrets are. Made from the settings; a reload makes another.
///
/// Thread-safe.
class Authenticator {
  public:
    /// Makes the dialogue with unknown users. The same for the life of the process: a salt that
    /// changes with a reload would tell who is unknown.
    using MockSecret = std::array<std::byte, 32>;

    Authenticator(const config::Postgres& settings, const MockSecret& mock_secret);

    /// Null for a user who is not listed or has no secret.
    [[nodiscard]] const pg::StoredSecret* secret_of(std::string_view user) const;
    /// Null also for one whose secret is of another kind.
    [[nodiscard]] const pg::PlainPassword* plain_password_of(std::string_view user) const;
    /// By md5 a user known by a SCRAM verifier cannot log in, so SCRAM is asked for instead, as
    /// PostgreSQL does; where there are such users, of those that do not exist as well.
    [[nodiscard]] bool asks_for_scram(std::string_view user) const;
    /// Some users are known by a SCRAM verifier: to check a password sent in clear takes a hash,
    /// and so that of an unknown user does as well.
    [[nodiscard]] bool holds_verifiers() const noexcept { return holds_verifiers_; }
    /// By trust: listed, or covered by "*", or nobody is listed at all.
    [[nodiscard]] bool admits_by_trust(std::string_view user) const;

    /// What SCRAM needs of a user who has one: stored so, or derived from a plain password before.
    /// Nothing: derive it, with the salt of `mock_verifier`, and give it to `remember`.
    [[nodiscard]] std::optional<pg::ScramVerifier> scram_verifier(std::string_view user) const;
    void remember(std::string_view user, const pg::ScramVerifier& verifier) const;
    /// For a user who cannot log in by SCRAM: the same dialogue, satisfied by nothing.
    [[nodiscard]] pg::ScramVerifier mock_verifier(std::string_view user) const;

  private:
    std::map<std::string, pg::StoredSecret, std::less<>> secrets_;
    bool everyone_by_trust_ = false;
    bool holds_verifiers_ = false;
    std::set<std::string, std::less<>> listed_;
    MockSecret mock_secret_;
    mutable std::mutex mutex_;
    mutable std::map<std::string, pg::ScramVerifier, std::less<>> derived_;
};

}  // namespace sluice::server
