#include "server/probe/hiredis_link.hpp"

#include <hiredis/async.h>

#include <sys/socket.h>
#include <sys/un.h>

#include <utility>
#include <vector>

namespace sluice::server {

namespace asio = boost::asio;

/// What hiredis calls; each is told the link, and nothing once the link has let go.
struct HiredisLink::Hooks {
    static HiredisLink& link(void* data) { return *static_cast<HiredisLink*>(data); }

    static void add_read(void* data) { link(data).want(Side::reading); }
    static void del_read(void* data) { link(data).wants(Side::reading) = false; }
    static void add_write(void* data) { link(data).want(Side::writing); }
    static void del_write(void* data) { link(data).wants(Side::writing) = false; }

    static void connected(const redisAsyncContext* native, int status) {
        if (status == REDIS_OK || native->data == nullptr) return;
        // The context frees itself, and tells no more.
        link(native->data).ended(native->errstr);
    }
    static void disconnected(const redisAsyncContext* native, int) {
        if (native->data == nullptr) return;
        link(native->data).ended(native->err != 0 ? native->errstr : "closed");
    }
    static void answered(redisAsyncContext* native, void* reply, void*) {
        // Without a reply the end of the connection is told elsewhere.
        if (native->data == nullptr || reply == nullptr) return;
        HiredisLink& self = link(native->data);
        Answer answer = std::move(self.asked_.front());
        self.asked_.pop_front();
        const auto& found = *static_cast<const redisReply*>(reply);
        Reply told;
        if (found.type == REDIS_REPLY_ERROR) told.kind = Reply::Kind::error;
        if (found.type == REDIS_REPLY_STRING || found.type == REDIS_REPLY_STATUS) {
            told.kind = Reply::Kind::text;
        }
        if (told.kind != Reply::Kind::other) told.text = {found.str, found.len};
        const std::uint64_t number = self.number_;
        answer(told);
        // The library takes for granted that a server says nothing unasked, and ends the program
        // of who is not so lucky.
        if (self.number_ != number || !self.asked_.empty()) return;
        if (native->c.reader->len > native->c.reader->pos) {
            self.close();
            self.lost_("the server answers what it was not asked");
        }
    }
};

HiredisLink::HiredisLink(asio::io_context& loop, Lost lost)
    : descriptor_(loop), lost_(std::move(lost)) {}

HiredisLink::~HiredisLink() {
    close();
}

bool HiredisLink::open(const net::SocketAddress& address, std::string& error) {
    if (address.is_unix()) {
        native_ =
            redisAsyncConnectUnix(reinterpret_cast<const sockaddr_un*>(address.get())->sun_path);
    } else {
        native_ = redisAsyncConnect(address.host_text().c_str(), address.port());
    }
    if (native_ == nullptr || native_->err != 0) {
        error = native_ == nullptr ? "out of memory" : native_->errstr;
        if (native_ != nullptr) redisAsyncFree(std::exchange(native_, nullptr));
        return false;
    }
    ++number_;
    wants_ = {};
    waits_ = {};
    boost::system::error_code failed;
    descriptor_.assign(native_->c.fd, failed);
    native_->data = this;
    native_->ev.data = this;
    native_->ev.addRead = Hooks::add_read;
    native_->ev.delRead = Hooks::del_read;
    native_->ev.addWrite = Hooks::add_write;
    native_->ev.delWrite = Hooks::del_write;
    redisAsyncSetConnectCallback(native_, Hooks::connected);
    redisAsyncSetDisconnectCallback(native_, Hooks::disconnected);
    if (failed) {
        error = failed.message();
        close();
        return false;
    }
    // The library sees the end of a connect when the socket takes bytes.
    want(Side::writing);
    return true;
}

void HiredisLink::ask(std::initializer_list<std::string_view> words, Answer answer) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const std::string_view word : words) {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    asked_.push_back(std::move(answer));
    redisAsyncCommandArgv(native_, Hooks::answered, nullptr, static_cast<int>(texts.size()),
                          texts.data(), sizes.data());
}

void HiredisLink::want(Side side) {
    wants(side) = true;
    wait(side);
}

void HiredisLink::wait(Side side) {
    if (std::exchange(waits(side), true)) return;
    const auto what = side == Side::reading ? asio::posix::stream_descriptor::wait_read
                                            : asio::posix::stream_descriptor::wait_write;
    descriptor_.async_wait(what,
                           [this, side, number = number_](const boost::system::error_code& error) {
                               if (error || number != number_ || native_ == nullptr) return;
                               waits(side) = false;
                               if (wants(side)) ready(side);
                           });
}

void HiredisLink::ready(Side side) {
    const std::uint64_t number = number_;
    if (side == Side::writing) {
        redisAsyncHandleWrite(native_);
    } else if (asked_.empty()) {
        char byte = 0;
        const auto got = ::recv(native_->c.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        close();
        lost_(got > 0 ? "the server speaks unasked" : "closed by the server");
        return;
    } else {
        redisAsyncHandleRead(native_);
    }
    if (number == number_ && native_ != nullptr && wants(side)) wait(side);
}

/// From here on the library has nothing of this object; the descriptor is its own to close.
void HiredisLink::let_go() {
    ++number_;
    native_->data = nullptr;
    native_->ev = {};
    descriptor_.release();
    native_ = nullptr;
    asked_.clear();
}

void HiredisLink::close() {
    if (native_ == nullptr) return;
    redisAsyncContext* const native = native_;
    let_go();
    redisAsyncFree(native);
}

void HiredisLink::ended(const std::string& why) {
    let_go();
    lost_(why);
}

}  // namespace sluice::server
