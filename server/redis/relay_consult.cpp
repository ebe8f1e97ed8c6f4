// What a client asks that neither its session nor a backend of its own can answer.

#include "protocol/resp/client_session.hpp"
#include "protocol/resp/info_reply.hpp"
#include "protocol/resp/replies.hpp"

#include "server/redis/backend.hpp"
#include "server/redis/client.hpp"
#include "server/redis/client_census.hpp"
#include "server/redis/information.hpp"
#include "server/redis/relay.hpp"
#include "server/redis/side.hpp"
#include "server/worker.hpp"

#include <utility>

namespace sluice::server {

namespace {

/// A server whose INFO is longer has it without our section.
constexpr std::size_t gathered_bytes_max = 1024U * 1024;

void take_census(RedisClient& client, const resp::ClientStep& step) {
    ClientCensus::Question question;
    question.version = client.session().version();
    question.muted = step.muted;
    if (step.everybody) question.scope = ClientCensus::Scope::everybody;
    resp::ArgumentReader arguments(wire::as_bytes(step.send));
    (void)arguments.next();
    (void)arguments.next();
    // The session has read them already, and found no fault.
    if (step.subject == resp::Subject::clients) {
        (void)question.filter.read_list(arguments);
    } else {
        question.task = ClientCensus::Task::kill;
        (void)question.filter.read_kill(arguments);
    }
    ClientCensus::begin(client, std::move(question));
}

void order_control(RedisClient& client, const resp::ClientStep& step) {
    resp::ArgumentReader arguments(wire::as_bytes(step.send));
    const bool is_script = resp::is_word(arguments.next().value_or(std::string_view{}), "script");
    Worker& worker = client.side().worker();
    worker.shared().order_redis(
        client.terms().database, is_script ? RedisOrder::kill_script : RedisOrder::kill_function,
        [&worker, slot = client.slot(), id = client.id(), question = client.question(),
         muted = step.muted](std::string reply) {
            worker.post(
                [&worker, slot, id, question, text = muted ? std::string() : std::move(reply)] {
                    RedisClient* const found = worker.redis().find_client(slot, id);
                    if (found != nullptr) found->answered(question, text);
                });
        });
}

}  // namespace

RedisRelay::Goes RedisRelay::consult(RedisClient& client, const resp::ClientStep& step,
                                     std::string& out) {
    using resp::Subject;
    if (step.subject == Subject::own_line || step.subject == Subject::information) {
        const std::string text = step.subject == Subject::own_line
                                     ? ClientCensus::line_of(client, "client|info")
                                     : information_for(client);
        if (!step.muted) resp::append_verbatim(out, text, client.session_.version());
        return Goes::on;
    }
    client.phase_ = RedisClient::Phase::awaiting_answer;
    ++client.question_;
    client.since_ = client.engine().now();
    client.arm_timer();
    if (step.subject == Subject::running_code) {
        order_control(client, step);
    } else {
        take_census(client, step);
    }
    return Goes::waits;
}

void RedisRelay::gather(RedisClient& client, wire::Bytes bytes) {
    std::string& reply = *client.gathered_;
    reply += wire::as_text(bytes);
    if (client.owed_ > 0 && reply.size() <= gathered_bytes_max) return;
    const auto gathered = std::exchange(client.gathered_, nullptr);
    client.send(client.owed_ > 0 ? *gathered
                                 : resp::with_section(*gathered, information_for(client)));
}

}  // namespace sluice::server
