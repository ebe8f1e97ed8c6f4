// What is answered here and costs the server nothing: logins, handshakes, and what a client asks
// about itself. The words are the server's own.
// Source: Redis 7.0, "Commands", redis.io, and its replies.

#include "protocol/resp/client_filter.hpp"
#include "protocol/resp/client_session.hpp"
#include "protocol/resp/client_session_asked.hpp"
#include "protocol/resp/replies.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::resp {

namespace {

using Kind = ClientStep::Kind;

std::optional<std::int64_t> number_of(std::string_view text) {
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end || text.empty()) return std::nullopt;
    // What the server reads has one spelling: no leading zero, no minus zero.
    return std::to_string(number) == text ? std::optional(number) : std::nullopt;
}

/// Nothing but visible ASCII, so that a list of clients can be taken apart at its blanks.
bool is_plain_name(std::string_view name) {
    return std::ranges::all_of(name, [](char letter) { return letter >= '!' && letter <= '~'; });
}

constexpr std::size_t client_name_bytes_max = 512;

/// The error of what HELLO asks for, or nothing.
std::string read_hello_options(ArgumentReader& rest, HelloOptions& options) {
    while (const auto word = rest.next()) {
        if (is_word(*word, "auth") && rest.left() >= 2) {
            options.has_login = true;
            options.user = rest.next().value_or(std::string_view{});
            options.password = rest.next().value_or(std::string_view{});
        } else if (is_word(*word, "setname") && rest.left() >= 1) {
            options.name = rest.next().value_or(std::string_view{});
            if (!is_plain_name(*options.name)) {
                return "ERR Client names cannot contain spaces, newlines or special characters.";
            }
        } else {
            return "ERR Syntax error in HELLO option '" + std::string(word->substr(0, 128)) + "'";
        }
    }
    return {};
}

}  // namespace

ClientStep ClientSession::answer_ping(Asked& asked) {
    const bool is_echo = asked.row->way == CommandWay::echo;
    if (asked.rest.left() > 1) {
        return refuse_command(asked, "ERR wrong number of arguments for 'ping' command");
    }
    // In its place among commands under way it is one of them.
    if (asked.at.owed) return forward(asked, asked.at.lending);
    if (!is_echo && asked.at.subscribed && version_ == RespVersion::resp2) {
        append_array(asked.out, 2);
        append_bulk(asked.out, "pong");
        append_bulk(asked.out, asked.rest.next().value_or(std::string_view{}));
        ClientStep step = answered(asked);
        step.kind = Kind::ping;
        return step;
    }
    if (is_echo || asked.rest.left() == 1) {
        append_bulk(asked.out, asked.rest.next().value_or(std::string_view{}));
    } else {
        asked.out += "+PONG\r\n";
    }
    return answered(asked);
}

/// Nothing when the login is good: then the session is logged in as this user.
std::optional<ClientStep> ClientSession::log_in(Asked& asked, std::string_view user,
                                                std::string_view password) {
    const LoginVerdict verdict = std::exchange(verdict_, LoginVerdict::none);
    if (verdict == LoginVerdict::none) {
        ClientStep step;
        step.kind = Kind::judge;
        step.user = user;
        step.password = password;
        return step;
    }
    if (verdict == LoginVerdict::no_password_set) {
        return refuse_command(asked,
                              "ERR AUTH <password> called without any password configured for the "
                              "default user. Are you sure your configuration is correct?");
    }
    if (verdict == LoginVerdict::rejected) {
        return refuse_command(asked,
                              "WRONGPASS invalid username-password pair or user is disabled.");
    }
    if (!user.empty() || rare_) rare().user = user == "default" ? std::string_view{} : user;
    login_ = LoginState::done;
    return std::nullopt;
}

ClientStep ClientSession::answer_auth(Asked& asked) {
    if (asked.rest.left() > 2) return refuse_command(asked, "ERR syntax error");
    const bool named = asked.rest.left() == 2;
    const std::string_view user = named ? asked.rest.next().value_or(std::string_view{}) : "";
    const std::string_view password = asked.rest.next().value_or(std::string_view{});
    if (const auto step = log_in(asked, user, password)) return *step;
    return answer(asked, "+OK\r\n");
}

ClientStep ClientSession::answer_hello(Asked& asked) {
    std::int64_t version = static_cast<std::int64_t>(version_);
    if (const auto word = asked.rest.next()) {
        const auto number = number_of(*word);
        if (!number) {
            return refuse_command(asked, "ERR Protocol version is not an integer or out of range");
        }
        version = *number;
        if (version < 2 || version > 3) {
            return refuse_command(asked, "NOPROTO unsupported protocol version");
        }
    }
    HelloOptions options;
    const std::string fault = read_hello_options(asked.rest, options);
    if (!fault.empty()) return refuse_command(asked, fault);
    if (options.has_login) {
        if (asked.at.subscribed) return refuse_command(asked, behind_subscriptions);
        if (const auto step = log_in(asked, options.user, options.password)) return *step;
    }
    if (!logged_in()) {
        return refuse_command(
            asked,
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the "
            "HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and "
            "select the RESP protocol version at the same time");
    }
    version_ = version == 3 ? RespVersion::resp3 : RespVersion::resp2;
    if (options.name) rare().name = options.name->substr(0, client_name_bytes_max);
    append_greeting(asked.out, {asked.facts.id, asked.facts.server_version, version_});
    return answered(asked);
}

ClientStep ClientSession::answer_select(Asked& asked) {
    const auto number = number_of(asked.rest.next().value_or(std::string_view{}));
    if (!number) return refuse_command(asked, "ERR value is not an integer or out of range");
    if (*number < 0 || *number >= static_cast<std::int64_t>(asked.terms.databases)) {
        return refuse_command(asked, "ERR DB index is out of range");
    }
    database_ = static_cast<std::uint32_t>(*number);
    if (tracking_) return forward(asked, Lending::pinned, PinReason::tracking);
    return answer(asked, "+OK\r\n");
}

ClientStep ClientSession::answer_reset(Asked& asked) {
    const bool leaves = holds_pin() || asked.at.subscribed;
    end_transaction();
    watching_ = false;
    tracking_ = false;
    reply_mode_ = ReplyMode::on;
    rare_.reset();
    database_ = 0;
    version_ = RespVersion::resp2;
    login_ = login_at_start_;
    asked.out += "+RESET\r\n";
    ClientStep step;
    step.kind = leaves ? Kind::reset : Kind::answer;
    return step;
}

/// Its acknowledgement is no reply: CLIENT REPLY does not silence it.
ClientStep ClientSession::subscription(Asked& asked) {
    if (asked.at.owed) return answer(asked, {});
    ClientStep step;
    for (std::size_t kind = 0; kind < channel_kind_count; ++kind) {
        const ChannelWords& words = channel_words[kind];
        const bool leaves = asked.row->name == words.unsubscribe;
        if (!leaves && asked.row->name != words.subscribe) continue;
        step.kind = leaves ? Kind::unsubscribe : Kind::subscribe;
        step.channels = static_cast<ChannelKind>(kind);
    }
    step.send = wire::as_text(asked.request);
    command_done();
    return step;
}

ClientStep ClientSession::answer_client(Asked& asked) {
    // Both names of the row: "client id".
    const std::string_view what = asked.row->name.substr(asked.row->name.find(' ') + 1);
    if (what == "reply") return answer_client_reply(asked);
    if (what == "id") {
        append_integer(asked.out, static_cast<std::int64_t>(asked.facts.id));
        return answered(asked);
    }
    if (what == "setname" || what == "setinfo" || what == "no-touch" || what == "no-evict") {
        return answer_client_text(asked, what);
    }
    if (what == "getname") {
        if (name().empty()) {
            append_null(asked.out, version_);
        } else {
            append_bulk(asked.out, name());
        }
        return answered(asked);
    }
    if (what == "info" || what == "list" || what == "kill") return consult_clients(asked, what);
    if (what == "help") return forward(asked, Lending::shared);
    if (what == "maint_notifications") {
        if (is_word(asked.rest.next().value_or(std::string_view{}), "off")) {
            return answer(asked, "+OK\r\n");
        }
        // None are sent, and who is told so by this error goes on without.
        return refuse_command(asked,
                              "ERR unknown subcommand 'maint_notifications'. Try CLIENT HELP.");
    }
    return refuse_command(asked,
                          "ERR sluice does not serve '" + std::string(asked.row->name) + "'");
}

/// Who asks for what cannot be is told at once; the rest is not known here.
ClientStep ClientSession::consult_clients(Asked& asked, std::string_view what) {
    ClientFilter filter;
    std::string fault;
    if (what == "list") fault = filter.read_list(asked.rest);
    if (what == "kill") fault = filter.read_kill(asked.rest);
    if (!fault.empty()) return refuse_command(asked, fault);
    if (what == "info") return consult(asked, Subject::own_line);
    return consult(asked, what == "list" ? Subject::clients : Subject::ended_clients);
}

ClientStep ClientSession::answer_client_text(Asked& asked, std::string_view what) {
    const std::string_view first = asked.rest.next().value_or(std::string_view{});
    if (what == "setname") {
        if (!is_plain_name(first)) {
            return refuse_command(
                asked, "ERR Client names cannot contain spaces, newlines or special characters.");
        }
        rare().name = first.substr(0, client_name_bytes_max);
    } else if (what == "setinfo") {
        const std::string_view value = asked.rest.next().value_or(std::string_view{});
        const bool is_name = is_word(first, "lib-name");
        if (!is_name && !is_word(first, "lib-ver")) {
            return refuse_command(
                asked, "ERR Unrecognized option '" + std::string(first.substr(0, 128)) + "'");
        }
        if (!is_plain_name(value)) {
            return refuse_command(asked, std::string(is_name ? "ERR lib-name" : "ERR lib-ver") +
                                             " cannot contain spaces, newlines or special "
                                             "characters.");
        }
        std::string& kept = is_name ? rare().library_name : rare().library_version;
        kept = value.substr(0, client_name_bytes_max);
    } else if (!is_word(first, "on") && !is_word(first, "off")) {
        return refuse_command(asked, "ERR syntax error");
    }
    return answer(asked, "+OK\r\n");
}

ClientStep ClientSession::answer_client_reply(Asked& asked) {
    const std::string_view mode = asked.rest.next().value_or(std::string_view{});
    ClientStep step;
    step.kind = Kind::answer;
    if (is_word(mode, "on")) {
        reply_mode_ = ReplyMode::on;
        asked.out += "+OK\r\n";
    } else if (is_word(mode, "off")) {
        reply_mode_ = ReplyMode::off;
    } else if (is_word(mode, "skip")) {
        if (reply_mode_ == ReplyMode::on) reply_mode_ = ReplyMode::skip_next;
    } else {
        return refuse_command(asked, "ERR syntax error");
    }
    return step;
}

}  // namespace sluice::resp
