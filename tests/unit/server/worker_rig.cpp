#include "tests/unit/server/worker_rig.hpp"

#include "protocol/pg/frame.hpp"
#include "protocol/pg/login_messages.hpp"
#include "protocol/pg/startup.hpp"
#include "protocol/wire/writer.hpp"

#include "tests/unit/server/console_frames.hpp"

#include <array>

namespace sluice::server {

namespace {

constexpr std::uint16_t database_port = 5432;
constexpr std::array<std::byte, 4> backend_secret{};

/// Of the first frame of this type.
std::string body_of(std::string_view reply, char type) {
    for (const SeenFrame& frame : frames_of(reply)) {
        if (frame.type == type) return frame.body;
    }
    return {};
}

}  // namespace

config::Settings WorkerRig::settings_sample() {
    config::Settings settings;
    settings.log.log_connections = false;
    settings.log.log_disconnections = false;
    settings.postgres.auth = config::AuthMethod::trust;
    settings.postgres.failed_login_delay = config::Duration(0);
    config::Database app;
    app.name = "app";
    app.hosts = {{"127.0.0.1", database_port}};
    settings.postgres.databases.emplace("app", app);
    return settings;
}

WorkerRig::WorkerRig(const config::Settings& settings, unsigned worker_count)
    : shared(std::make_unique<Shared>(settings, control)) {
    network.weather.latency_ms_max = 0;
    network.weather.short_transfer = 0;
    network.weather.false_alarm = 0;
    network.listen(
        database_port, [] { return test::ConnectFate{test::ConnectFate::Kind::accepted}; },
        [this](int socket) { sessions_.emplace(socket, std::string()); });
    for (unsigned index = 0; index < worker_count; ++index) {
        auto engine = std::make_unique<test::SimEngine>(network, shared->buffers);
        engines.push_back(engine.get());
        shared->workers.push_back(std::make_unique<Worker>(*shared, index, std::move(engine)));
    }
}

WorkerRig::~WorkerRig() {
    for (const auto& worker : shared->workers)
        worker->shut();
    for (bool posted = true; posted;) {
        posted = false;
        for (test::SimEngine* const engine : engines)
            posted = engine->run_posted() || posted;
    }
    shared->workers.clear();
}

int WorkerRig::connect(unsigned index) {
    const auto [theirs, ours] = network.make_pair();
    Worker* const accepting = &worker(index);
    accepting->post([accepting, fd = ours] { accepting->accepted(fd, {}); });
    return theirs;
}

void WorkerRig::send(int socket, std::string_view bytes) {
    // The pipe takes what a test sends, since nothing else is on its way.
    EXPECT_EQ(network.write(socket, wire::as_bytes(bytes)),
              static_cast<std::ptrdiff_t>(bytes.size()));
}

std::string WorkerRig::take(int client) {
    std::string taken;
    std::array<std::byte, 4096> piece;
    for (std::ptrdiff_t count = 0; (count = network.read(client, piece)) > 0;)
        taken += wire::as_text(wire::Bytes(piece).first(static_cast<std::size_t>(count)));
    return taken;
}

bool WorkerRig::is_ended(int client) const {
    return !network.peer_open(client);
}

std::string WorkerRig::log_in(int client, std::string_view user, std::string_view database) {
    std::string packet;
    pg::append_startup_message(packet, pg::ProtocolMinor::zero, user, database, {});
    send(client, packet);
    turns();
    return take(client);
}

std::string WorkerRig::busy_client(unsigned worker) {
    const int client = connect(worker);
    const std::string key = body_of(log_in(client), 'K');
    send(client, query_frame("SELECT pg_sleep(1)"));
    turns();
    EXPECT_EQ(key.size(), 8U);
    std::string packet;
    if (key.size() != 8) return packet;
    const auto bytes = wire::as_bytes(key);
    pg::append_cancel_request(packet, wire::load_u32(bytes.data()), bytes.subspan(4));
    return packet;
}

void WorkerRig::turns(unsigned count) {
    for (unsigned turn = 0; turn < count; ++turn) {
        network.advance(std::chrono::milliseconds(1));
        for (test::SimEngine* const engine : engines)
            engine->turn();
        serve_database();
    }
}

void WorkerRig::answer_cancels() {
    for (const int socket : cancels_) {
        network.close(socket);
        sessions_.erase(socket);
    }
    cancels_.clear();
}

void WorkerRig::end_database_session(int socket) {
    if (sessions_.erase(socket) > 0) network.close(socket);
}

void WorkerRig::serve_database() {
    for (auto& [socket, received] : sessions_) {
        const std::string arrived = take(socket);
        if (arrived.empty()) continue;
        received += arrived;
        serve(socket, received);
    }
}

void WorkerRig::serve(int socket, std::string& received) {
    const auto packet = pg::parse_startup(wire::as_bytes(received));
    if (std::holds_alternative<pg::CancelRequest>(packet.packet)) {
        cancels_.push_back(socket);
        received.clear();
        return;
    }
    std::string out;
    if (std::holds_alternative<pg::StartupMessage>(packet.packet)) {
        last_session_ = socket;
        ++session_count_;
        pg::append_authentication_ok(out);
        pg::append_parameter_status(out, "server_version", "15.0");
        pg::append_backend_key_data(out, static_cast<std::uint32_t>(socket & 0xffff) + 1,
                                    backend_secret);
        pg::append_ready_for_query(out, 'I');
        received.erase(0, packet.packet_bytes);
    }
    while (received.size() >= pg::frame_header_bytes && received.front() == 'Q') {
        const wire::Bytes rest = wire::as_bytes(received);
        const std::size_t bytes =
            pg::frame_header_bytes + std::size_t{pg::read_frame_header(rest).body_bytes};
        if (received.find("sleep") < bytes || received.size() < bytes) break;
        wire::Writer(out)
            .begin_frame(static_cast<char>(pg::BackendMessage::CommandComplete))
            .c_string("SELECT 0")
            .end_frame();
        pg::append_ready_for_query(out, 'I');
        received.erase(0, bytes);
    }
    if (!out.empty()) send(socket, out);
}

std::string refusal_of(std::string_view reply) {
    return sqlstate_of(reply);
}

}  // namespace sluice::server
