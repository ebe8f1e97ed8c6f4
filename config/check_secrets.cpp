#include "config/check_part.hpp"
#include "config/secret_kind.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace sluice::config {

namespace {

/// Users of one kind: a few by name, the rest by number.
class NamedFew {
  public:
    void add(const std::string& name) {
        constexpr std::size_t named_max = 3;
        if (count_++ < named_max)
            names_ += (names_.empty() ? "`" : ", `") + name + "`";
        else
            ++others_;
    }
    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] std::string text() const {
        return (count_ == 1 ? "user " : "users ") + names_ +
               (others_ == 0 ? "" : " and " + std::to_string(others_) + " more");
    }

  private:
    std::string names_;
    std::size_t count_ = 0;
    std::size_t others_ = 0;
};

/// Users whose stored secret is a verifier, by what it can do.
struct Verifiers {
    NamedFew md5;
    NamedFew scram;

    void add(const User& user) {
        const auto kind = kind_of(user.password);
        if (kind == SecretKind::md5) md5.add(user.name);
        if (kind == SecretKind::scram) scram.add(user.name);
    }
};

void report_verifiers(const CheckPart& part, const std::string& name, const Verifiers& verifiers) {
    const auto section = "postgres.databases." + name;
    const auto ask =
        "; give [" + section + "] a `password`, unless its backends let this pooler in by trust";
    if (!verifiers.scram.empty()) {
        part.report(Severity::warning, {section, section + ".password"},
                    "database `" + name + "`: " + verifiers.scram.text() +
                        " cannot log in to its backends: a SCRAM verifier answers no password "
                        "request" +
                        ask);
    }
    if (!verifiers.md5.empty()) {
        part.report(Severity::warning, {section, section + ".password"},
                    "database `" + name + "`: " + verifiers.md5.text() +
                        " can log in only to backends that ask for md5: an md5 secret answers no "
                        "other request" +
                        ask);
    }
}

void check_backend_logins(const CheckPart& part) {
    const auto& postgres = part.settings.postgres;
    Verifiers everybody;
    for (const auto& [name, user] : postgres.users)
        everybody.add(user);
    for (const auto& [name, database] : postgres.databases) {
        if (!database.password.empty()) continue;
        if (database.user.empty()) {
            report_verifiers(part, name, everybody);
            continue;
        }
        Verifiers fixed;
        if (const auto user = postgres.users.find(database.user); user != postgres.users.end()) {
            fixed.add(user->second);
        }
        report_verifiers(part, name, fixed);
    }
}

}  // namespace

void check_secrets(const CheckPart& part) {
    const auto& postgres = part.settings.postgres;
    bool anybody = false;
    NamedFew locked_out;
    for (const auto& [name, user] : postgres.users) {
        anybody = anybody || !user.password.empty();
        const auto key = "postgres.users." + name;
        // A secret that could not be read is as good as there: it has been reported already.
        anybody = anybody || part.places.is_broken(key + ".password");
        if (looks_like_broken_scram(user.password)) {
            part.report(Severity::warning, {key, key + ".password"},
                        "user `" + name +
                            "`: the secret begins like a SCRAM verifier but is not "
                            "a whole one; it is taken for a password");
        }
        if (kind_of(user.password) == SecretKind::md5) locked_out.add(name);
    }
    if (postgres.auth != AuthMethod::trust && !anybody) {
        part.report(Severity::error, {"postgres.auth", "postgres.users_file"},
                    "postgres.auth: nobody can log in, since no user has a password; list users "
                    "in [postgres.users.NAME] or in a users_file, or say auth = \"trust\"");
    }
    if (postgres.auth == AuthMethod::scram_sha_256 && !locked_out.empty()) {
        part.report(Severity::warning, {"postgres.auth"},
                    "postgres.auth: " + locked_out.text() +
                        " cannot log in by scram-sha-256 with an md5 secret; store a password or "
                        "a SCRAM verifier, or say auth = \"md5\"");
    }
    check_backend_logins(part);
}

}  // namespace sluice::config
