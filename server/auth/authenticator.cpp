#include "server/auth/authenticator.hpp"

namespace sluice::server {

Authenticator::Authenticator(const config::Postgres& settings, const MockSecret& mock_secret)
    : mock_secret_(mock_secret) {
    everyone_by_trust_ = settings.users.empty() || settings.users.contains("*");
    for (const auto& [name, user] : settings.users) {
        if (name == "*") continue;
        listed_.insert(name);
        if (!user.password.empty()) {
            const auto at = secrets_.emplace(name, pg::parse_stored_secret(user.password.reveal()));
            if (std::holds_alternative<pg::ScramVerifier>(at.first->second)) {
                holds_verifiers_ = true;
            }
        }
    }
}

const pg::StoredSecret* Authenticator::secret_of(std::string_view user) const {
    const auto at = secrets_.find(user);
    return at == secrets_.end() ? nullptr : &at->second;
}

const pg::PlainPassword* Authenticator::plain_password_of(std::string_view user) const {
    const pg::StoredSecret* const secret = secret_of(user);
    return secret == nullptr ? nullptr : std::get_if<pg::PlainPassword>(secret);
}

bool Authenticator::asks_for_scram(std::string_view user) const {
    const pg::StoredSecret* const secret = secret_of(user);
    if (secret == nullptr) return holds_verifiers_;
    return std::holds_alternative<pg::ScramVerifier>(*secret);
}

bool Authenticator::admits_by_trust(std::string_view user) const {
    return everyone_by_trust_ || listed_.contains(user);
}

std::optional<pg::ScramVerifier> Authenticator::scram_verifier(std::string_view user) const {
    const pg::StoredSecret* const secret = secret_of(user);
    if (secret == nullptr) return std::nullopt;
    if (const auto* verifier = std::get_if<pg::ScramVerifier>(secret)) return *verifier;
    const std::lock_guard lock(mutex_);
    const auto at = derived_.find(user);
    if (at == derived_.end()) return std::nullopt;
    return at->second;
}

void Authenticator::remember(std::string_view user, const pg::ScramVerifier& verifier) const {
    const std::lock_guard lock(mutex_);
    derived_.insert_or_assign(std::string(user), verifier);
}

pg::ScramVerifier Authenticator::mock_verifier(std::string_view user) const {
    return pg::mock_scram_verifier(mock_secret_, user, pg::scram_iterations_default);
}

}  // namespace sluice::server
