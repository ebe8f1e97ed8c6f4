#include "bench/load/brief_client.hpp"

#include "protocol/crypto.hpp"
#include "protocol/pg/error_fields.hpp"
#include "protocol/pg/frame.hpp"
#include "protocol/wire/writer.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>
#include <variant>

namespace sluice::load {

namespace {

std::string words_of(const std::string& what, int error) {
    return what + ": " + std::generic_category().message(error);
}

std::string nonce() {
    std::array<std::byte, pg::scram_nonce_random_bytes> random{};
    if (!crypto::random_bytes(random)) return {};
    return crypto::to_base64(random);
}

}  // namespace

const pg::ScramClientKeys& KeyMemo::keys(const std::string& password,
                                         const pg::ScramChallenge& challenge) {
    const bool known =
        challenge.salt == challenge_.salt && challenge.iterations == challenge_.iterations;
    if (!known) {
        keys_ = pg::derive_scram_client_keys(password, wire::as_bytes(challenge.salt),
                                             challenge.iterations);
        challenge_ = challenge;
    }
    return keys_;
}

BriefClient::~BriefClient() {
    end();
}

void BriefClient::begin(TimePoint now) {
    born_ = now;
    asked_ = 0;
    received_.clear();
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) {
        failed(words_of("socket", errno));
        return;
    }
    const auto* const address = reinterpret_cast<const sockaddr*>(&errand_.address);
    if (::connect(fd_, address, sizeof errand_.address) != 0 && errno != EINPROGRESS) {
        failed(words_of("connect", errno));
        return;
    }
    epoll_event event{};
    event.events = EPOLLOUT;
    event.data.ptr = this;
    if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd_, &event) != 0) failed(words_of("epoll", errno));
}

bool BriefClient::ready(TimePoint now) {
    if (!lives()) return false;
    if (asked_ == 0 && !login_) {
        connected();
        return false;
    }
    const std::size_t lived = tally_.lives.size();
    std::array<std::byte, 16 * 1024> bytes;
    const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (count > 0) {
        received(wire::Bytes(bytes).first(static_cast<std::size_t>(count)), now);
    } else if (count == 0) {
        failed("closed");
    } else if (errno != EAGAIN) {
        failed(words_of("receive", errno));
    }
    return tally_.lives.size() > lived;
}

void BriefClient::connected() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        failed(words_of("connect", error));
        return;
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = this;
    ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd_, &event);
    pg::BackendSecret secret = pg::NoSecret{};
    if (!errand_.password.empty()) secret = pg::PlainPassword{errand_.password};
    login_ =
        std::make_unique<pg::BackendLogin>(pg::ProtocolMinor::zero, errand_.user, errand_.database,
                                           pg::StartupSettings(), std::move(secret), nonce());
    std::string out;
    login_->start(out);
    send(out);
}

void BriefClient::received(wire::Bytes bytes, TimePoint now) {
    received_ += wire::as_text(bytes);
    std::size_t at = 0;
    while (lives() && received_.size() - at >= pg::frame_header_bytes) {
        const wire::Bytes rest = wire::as_bytes(received_).subspan(at);
        const pg::FrameHeader header = pg::read_frame_header(rest);
        if (!header.valid) {
            failed("not a frame");
            return;
        }
        const std::size_t frame_bytes = pg::frame_header_bytes + std::size_t{header.body_bytes};
        if (rest.size() < frame_bytes) break;
        at += frame_bytes;
        frame_came(header.type, rest.subspan(pg::frame_header_bytes, header.body_bytes), now);
    }
    received_.erase(0, at);
}

void BriefClient::frame_came(char type, wire::Bytes body, TimePoint now) {
    if (login_) {
        login_came(type, body);
        return;
    }
    if (type == static_cast<char>(pg::BackendMessage::ErrorResponse)) {
        failed(std::string(pg::parse_error_fields(body).sqlstate));
        return;
    }
    if (type != static_cast<char>(pg::BackendMessage::ReadyForQuery)) return;
    ++tally_.queries;
    if (asked_ < errand_.queries) {
        ask();
        return;
    }
    tally_.lives.push_back(std::chrono::duration_cast<std::chrono::microseconds>(now - born_));
    std::string farewell;
    wire::Writer(farewell).begin_frame(static_cast<char>(pg::ClientMessage::Terminate)).end_frame();
    ::send(fd_, farewell.data(), farewell.size(), MSG_NOSIGNAL);
    end();
}

void BriefClient::login_came(char type, wire::Bytes body) {
    std::string out;
    const pg::BackendLogin::Step step = login_->frame_received(type, body, out);
    if (const auto* challenge = std::get_if<pg::BackendLogin::NeedScramKeys>(&step)) {
        login_->scram_keys_derived(memo_.keys(errand_.password, *challenge), out);
    } else if (const auto* refused = std::get_if<pg::BackendLogin::Refused>(&step)) {
        failed(std::string(pg::parse_error_fields(refused->body).sqlstate));
        return;
    } else if (const auto* wrong = std::get_if<pg::BackendLogin::Failed>(&step)) {
        failed(wrong->text);
        return;
    } else if (std::holds_alternative<pg::BackendLogin::Ready>(step)) {
        login_.reset();
        ask();
        return;
    }
    if (!out.empty()) send(out);
}

void BriefClient::ask() {
    ++asked_;
    std::string frame;
    wire::Writer(frame)
        .begin_frame(static_cast<char>(pg::ClientMessage::Query))
        .c_string(errand_.query)
        .end_frame();
    send(frame);
}

/// What a brief client says fits in any socket's buffer.
void BriefClient::send(const std::string& bytes) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count != static_cast<ssize_t>(bytes.size())) failed(words_of("send", errno));
}

void BriefClient::failed(const std::string& reason) {
    ++tally_.failures[reason];
    end();
}

void BriefClient::end() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    login_.reset();
}

}  // namespace sluice::load
