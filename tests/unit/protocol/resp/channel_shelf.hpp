#pragma once

#include "protocol/resp/channel_book.hpp"

#include "client_talk.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::resp::test {

inline constexpr auto version = RespVersion::resp2;
inline constexpr Owner ann{1};
inline constexpr Owner bob{2};

/// A book with a server that answers when it is told to.
struct Shelf {
    ChannelBook book;
    std::string orders;
    std::string out;
    std::vector<Owner> ready;

    /// The names of a request, as the reader finds them behind the command.
    static ArgumentReader names(std::initializer_list<std::string_view> words) {
        static std::string bytes;
        bytes = request(words);
        return ArgumentReader(wire::as_bytes(bytes));
    }
    bool subscribe(Owner owner, std::initializer_list<std::string_view> words,
                   ChannelKind kind = ChannelKind::channel) {
        return book.subscribe(owner, kind, names(words), orders);
    }
    bool unsubscribe(Owner owner, std::initializer_list<std::string_view> words,
                     ChannelKind kind = ChannelKind::channel) {
        const ArgumentReader none({});
        return book.unsubscribe(owner, kind, words.size() == 0 ? none : names(words), version, out,
                                orders);
    }
    /// What the server has, and says so.
    void give(Owner owner, std::string_view name, ChannelKind kind = ChannelKind::channel) {
        EXPECT_FALSE(subscribe(owner, {name}, kind));
        EXPECT_TRUE(server_says(true, name, kind));
        acknowledge(owner);
        forget();
    }
    void forget() {
        orders.clear();
        out.clear();
        ready.clear();
    }
    void acknowledge(Owner owner) { book.acknowledge(owner, version, out); }
    void open() { book.opened(orders); }
    bool server_says(bool subscribed, std::string_view name,
                     ChannelKind kind = ChannelKind::channel) {
        return book.acknowledged(kind, subscribed, name, ready);
    }
    std::string taken(std::string& from) { return std::exchange(from, {}); }
};

inline std::string ack(std::string_view word, std::string_view name, int count) {
    std::string out;
    append_request(out, word, name);
    out[1] = '3';
    return out + ":" + std::to_string(count) + "\r\n";
}

}  // namespace sluice::resp::test
