// What clients leave in the sessions of their backends: asked for at the end of a transaction,
// remembered, and kept with the client.

#include "protocol/pg/settings_restart.hpp"

#include "server/log.hpp"
#include "server/pg/backend.hpp"
#include "server/pg/client.hpp"
#include "server/pg/relay.hpp"
#include "server/pg/session_inquiry.hpp"
#include "server/pg/shard.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace sluice::server {

namespace {

using pg::Feature;

/// Whether these features have a backend asked for settings.
bool about_settings(Feature features) {
    return pg::has(features,
                   Feature::set | Feature::reset | Feature::code | Feature::unknown_function);
}

bool not_ascii(std::string_view name) {
    return std::ranges::any_of(name, [](char byte) { return byte < ' ' || byte > '~'; });
}

std::vector<std::string_view> placeholders_of(const PgProfile& profile,
                                              const pg::SessionNotes* notes) {
    std::vector<std::string_view> names;
    for (const pg::StartupParameter& setting : profile.settings.parameters()) {
        if (setting.name.find('.') != std::string_view::npos) names.push_back(setting.name);
    }
    if (notes == nullptr) return names;
    for (const std::string& name : notes->placeholders) {
        if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
    return names;
}

bool same_names(const pg::StartupSettings& left, const pg::StartupSettings& right) {
    const auto one = left.parameters();
    const auto other = right.parameters();
    return std::ranges::equal(one, other, {}, &pg::StartupParameter::name,
                              &pg::StartupParameter::name);
}

}  // namespace

/// Finds out what the last transaction has left, if there is reason to ask. True when the backend
/// is being asked, so that the lease goes on.
bool PgRelay::settle_doubts(PgClient& client) {
    pg::SessionWatch& watch = client.session_.watch();
    if (!watch.in_doubt() || watch.unanswered()) return false;
    if (remembers(client)) return false;
    PgBackend& backend = *client.backend_;
    PgShard& shard = *client.shard_;
    const std::uint32_t errors = backend.session_.error_count();
    const bool sole = !watch.sole_text(errors).empty();
    auto inquiry = std::make_unique<SessionInquiry>();
    const pg::SessionPolicy& policy = shard.statements().policy.session;
    if (policy.sql_prepare == pg::Treatment::track) {
        inquiry->reader = pg::SessionAnswerReader(backend.session_.names());
    }
    inquiry->doubts = watch.take_doubts(errors);
    if (inquiry->doubts.notes && !sole) inquiry->doubts.notes->sole_text.clear();
    ask(client, std::move(inquiry));
    count_pins(client);
    return true;
}

void PgRelay::ask(PgClient& client, std::unique_ptr<SessionInquiry> inquiry) {
    PgShard& shard = *client.shard_;
    const Feature features = inquiry->doubts.features;
    std::vector<std::string_view> placeholders;
    if (about_settings(features)) {
        placeholders = placeholders_of(*client.profile_, inquiry->doubts.notes.get());
    }
    if (std::erase_if(placeholders, not_ascii) > 0) {
        // The name is in the client's encoding here, and would be read in the database's.
        client.session_.watch().pin(pg::PinReason::set);
    }
    // What is sent behind may have to find the client's own settings again.
    const bool may_reset =
        pg::has(features, Feature::reset | Feature::code | Feature::unknown_function) &&
        !client.start_profile_->settings.empty();
    using Followers = PgBackend::Followers;
    std::string sql;
    if (inquiry->insists) sql = pg::without_timeout_sql;
    std::span<const std::string> functions;
    if (inquiry->doubts.notes) functions = inquiry->doubts.notes->functions;
    pg::append_session_question(sql, features, shard.settings().server_user, placeholders,
                                functions);
    ++shard.counters.questions;
    client.backend_->inquire(sql, std::move(inquiry), may_reset ? Followers::wait : Followers::go);
}

/// The client's next request is to find other settings than its backend has.
bool PgRelay::settings_drifted(const PgClient& client) {
    return client.backend_ != nullptr && client.backend_->drifted_from(client.profile_) &&
           client.shard_->shares_backends();
}

/// Brings the backend to the client's settings if they have come apart. True while the client's
/// next request must wait.
bool PgRelay::settling(PgClient& client) {
    if (settings_drifted(client)) client.backend_->apply_profile(client.profile_);
    return held(client) || fails_block(client);
}

/// The client's next request must wait until its backend is as the client left it.
bool PgRelay::held(const PgClient& client) {
    const PgBackend* const backend = client.backend_;
    if (backend == nullptr) return false;
    // A COPY in the same text is fed all the same.
    const bool restarting = client.session_.restarts_behind() && backend->session_.busy() &&
                            !backend->session_.reads_copy();
    return restarting || backend->holds_requests();
}

/// The transaction was one text, and where that leads is known.
bool PgRelay::remembers(PgClient& client) {
    pg::SessionWatch& watch = client.session_.watch();
    const std::uint32_t errors = client.backend_->session_.error_count();
    const std::string_view text = watch.sole_text(errors);
    if (text.empty() || watch.kept() != Feature::none) return false;
    PgShard& shard = *client.shard_;
    const ProfileRef* const known =
        shard.setting_memo().find(client.start_profile_->id, client.profile_->id, text);
    if (known == nullptr) return false;
    take_profile(client, *known);
    std::ignore = watch.take_doubts(errors);
    watch.told(Feature::none, Feature::none);
    ++shard.counters.questions_saved;
    return true;
}

void PgRelay::told(PgClient& client, SessionInquiry& inquiry) {
    pg::SessionWatch& watch = client.session_.watch();
    if (inquiry.spoilt) {
        ++client.shard_->counters.questions_failed;
        if (insist(client, inquiry)) return;
        watch.keep_doubting(std::move(inquiry.doubts));
        count_pins(client);
        return;
    }
    const Feature had = watch.kept();
    watch.told(inquiry.doubts.features, inquiry.reader.answer().kept);
    const ProfileRef before = client.profile_;
    if (about_settings(inquiry.doubts.features)) take_settings(client, inquiry);
    if (inquiry.doubts.notes) {
        const bool nothing = before == client.profile_ && had == watch.kept();
        learn_calls(client, inquiry, nothing);
    }
    count_pins(client);
}

/// What the functions are that its texts have called. Where one may have made settings that nobody
/// knows the names of, nobody else is to have them.
void PgRelay::learn_calls(PgClient& client, SessionInquiry& inquiry, bool found_nothing) {
    pg::StatementDesk& desk = client.shard_->statements();
    pg::SessionNotes& notes = *inquiry.doubts.notes;
    const bool alone = inquiry.doubts.features == Feature::unknown_function;
    std::vector<std::string> placeholders;
    for (const std::string& text : notes.unknown_texts) {
        const pg::KnownCalls* known = desk.calls.find(text, desk.generation);
        if (known == nullptr) {
            known =
                desk.calls.learn(text, desk.generation, pg::called_names(desk.reader.read(text)),
                                 inquiry.reader.answer().functions);
            if (known != nullptr) {
                placeholders.insert(placeholders.end(), known->placeholders.begin(),
                                    known->placeholders.end());
            }
        }
        if (known == nullptr || !(known->harmless || known->compiled)) notes.uncontained = true;
        if (alone) desk.calls.asked(text, found_nothing);
    }
    if (notes.uncontained) client.backend_->keep_settings_for(client.id());
    if (!placeholders.empty()) client.session_.watch().ask_again(std::move(placeholders));
}

/// A question that the client's statement_timeout ended is asked once more without it, unless the
/// client has gone on.
bool PgRelay::insist(PgClient& client, SessionInquiry& inquiry) {
    if (!inquiry.timed_out || inquiry.insists || !client.backend_->session_.releasable()) {
        return false;
    }
    auto again = std::make_unique<SessionInquiry>();
    if (client.shard_->statements().policy.session.sql_prepare == pg::Treatment::track) {
        again->reader = pg::SessionAnswerReader(client.backend_->session_.names());
    }
    again->doubts = std::move(inquiry.doubts);
    again->insists = true;
    ask(client, std::move(again));
    return true;
}

void PgRelay::take_settings(PgClient& client, SessionInquiry& inquiry) {
    PgShard& shard = *client.shard_;
    const pg::StartupSettings& settings = inquiry.reader.answer().settings;
    const bool privileged = inquiry.reader.answer().privileged;
    // No other backend would take them from it.
    if (privileged) client.session_.watch().pin(pg::PinReason::set);
    ProfileRef now = shard.pool().profiles().find_or_add(settings);
    const ProfileRef before = client.profile_;
    // What a client brought is written as it came. The first answer after it shows how the server
    // writes it, unless a function has changed it unseen; then later answers differ from it.
    for (const ProfileRef& raw : {client.start_profile_, before}) {
        if (now == raw) break;
        const bool plain = inquiry.doubts.features == Feature::unknown_function && raw == before;
        if (raw->canonical == PgProfile::unknown && plain && same_names(raw->settings, settings)) {
            raw->canonical = now->id;
        }
        if (raw->canonical == now->id) {
            now = raw;
            break;
        }
    }
    take_profile(client, now);
    const pg::StartupSettings wanted = pg::restarted(settings, client.start_profile_->settings);
    if (wanted != settings) {
        client.profile_ = shard.pool().profiles().find_or_add(wanted);
        client.set_affinity(client.profile_->id);
        return;
    }
    const pg::SessionNotes* const notes = inquiry.doubts.notes.get();
    if (notes != nullptr && !notes->sole_text.empty() && !privileged) {
        shard.setting_memo().learn(client.start_profile_->id, before->id, notes->sole_text, now);
    }
}

/// These settings are in force for the client and on its backend.
void PgRelay::take_profile(PgClient& client, const ProfileRef& profile) {
    client.backend_->assume_profile(profile);
    if (client.profile_ == profile) return;
    client.profile_ = profile;
    client.set_affinity(profile->id);
}

/// A text of several statements has gone back to what the backend started with.
void PgRelay::restart_settings(PgClient& client) {
    PgBackend& backend = *client.backend_;
    if (!backend.session_.settled()) return;
    const std::string sql = client.session_.take_restart(backend.session_.error_count());
    if (sql.empty() || backend.session_.status() == pg::TransactionStatus::failed) return;
    // The client is told what it does not know yet.
    backend.private_query(sql, {pg::Owed::query, pg::Audience::client_if_error});
}

/// It has done what the policy lets happen, and will lose.
void PgRelay::warn(PgClient& client) {
    if (client.backend_ != nullptr && client.backend_->within_client_frame()) return;  // Later.
    const auto reason = client.session_.watch().take_warning();
    if (!reason) return;
    std::string frame;
    pg::append_notice(frame, pg::Severity::warning, "01000",
                      "what this leaves in the session is lost at the end of the transaction: " +
                          std::string(pg::name_of(*reason)),
                      {}, "The policy of session_state is to warn.");
    client.send(frame);
}

void PgRelay::count_pins(PgClient& client) {
    const std::uint16_t pins = client.session_.pins();
    if (pins == client.pins_counted_) return;
    PgShard& shard = *client.shard_;
    if (client.pins_counted_ != 0) {
        count_pinned_time(client);
    } else {
        ++shard.clients_pinned;
    }
    if (pins == 0) --shard.clients_pinned;
    if (client.pins_counted_ == 0) client.pinned_since_ = client.engine().now();
    const unsigned fresh = pins & ~unsigned{client.pins_counted_};
    for (std::size_t reason = 0; reason < pg::pin_reason_count; ++reason)
        shard.counters.pins[reason] += fresh >> reason & 1U;
    client.pins_counted_ = pins;
    if (shard.has_timeouts()) client.arm_timer();
}

void PgRelay::count_pinned_time(PgClient& client) {
    const net::TimePoint now = client.engine().now();
    for (std::size_t reason = 0; reason < pg::pin_reason_count; ++reason) {
        if ((unsigned{client.pins_counted_} >> reason & 1U) == 0) continue;
        client.shard_->counters.pinned_time[reason] += now - client.pinned_since_;
    }
}

}  // namespace sluice::server
