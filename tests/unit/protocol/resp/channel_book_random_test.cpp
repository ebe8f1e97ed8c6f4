// Clients that come, go and change their minds at random, a server that answers late, refuses and
// is lost: what each client has is what it was told, and what the server has is what they want.

#include "protocol/resp/channel_book.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sluice::resp::test {
namespace {

constexpr std::uint32_t owner_count = 6;

class World {
  public:
    explicit World(unsigned seed) : random_(seed) {}

    void step() {
        switch (pick(8)) {
            case 0: come(); break;
            case 1: go(); break;
            case 2: part(); break;
            case 3: lose(); break;
            default: answer(); break;
        }
        send();
    }
    void settle() {
        open();
        send();
        while (!requests_.empty()) {
            answer();
            send();
        }
    }
    void check() {
        std::set<std::string> wanted;
        for (const auto& [owner, names] : has_) {
            EXPECT_EQ(book_.count_of(Owner{owner}), names.size());
            for (const std::string& name : names) {
                wanted.insert(name);
                const auto* const channel = book_.find(ChannelKind::channel, name);
                ASSERT_NE(channel, nullptr) << name;
                EXPECT_EQ(std::ranges::count(channel->subscribers, Owner{owner}), 1);
            }
        }
        EXPECT_EQ(server_, wanted);
        EXPECT_TRUE(waiting_.empty());
        EXPECT_TRUE(parting_.empty());
        EXPECT_EQ(book_.channel_count(), wanted.size());
    }

  private:
    std::uint32_t pick(std::uint32_t below) {
        return static_cast<std::uint32_t>(random_() % below);
    }
    std::string any_name() { return std::string(1, static_cast<char>('a' + pick(5))); }

    void come() {
        const std::uint32_t owner = 1 + pick(owner_count);
        if (waiting_.contains(owner) || parting_.contains(owner)) return;
        std::string request;
        std::vector<std::string> names;
        for (std::uint32_t count = 1 + pick(3); count > 0; --count)
            names.push_back(any_name());
        begin_request(request, names.size());
        for (const std::string& name : names)
            append_argument(request, name);
        waiting_[owner] = names;
        const ArgumentReader reader(wire::as_bytes(request));
        if (book_.subscribe(Owner{owner}, ChannelKind::channel, reader, orders_)) {
            acknowledge(owner);
        }
    }
    void acknowledge(std::uint32_t owner) {
        std::string out;
        book_.acknowledge(Owner{owner}, RespVersion::resp2, out);
        const auto names = waiting_.extract(owner).mapped();
        for (const std::string& name : names)
            has_[owner].insert(name);
        EXPECT_TRUE(out.ends_with(":" + std::to_string(has_[owner].size()) + "\r\n")) << out;
    }
    void go() {
        const std::uint32_t owner = 1 + pick(owner_count);
        if (waiting_.contains(owner)) {
            book_.withdraw(Owner{owner}, orders_);
            waiting_.erase(owner);
            return;
        }
        if (parting_.contains(owner)) {
            if (pick(4) > 0) return;
            book_.stop_parting(Owner{owner});
            parting_.erase(owner);
            return;
        }
        std::string out;
        std::string request;
        const std::string name = any_name();
        append_request(request, name);
        const std::uint32_t how = pick(8);
        const bool all = how < 2;
        const ArgumentReader reader(all ? wire::Bytes{} : wire::as_bytes(request));
        const bool left = how == 0 ? book_.part(Owner{owner}, orders_)
                                   : book_.unsubscribe(Owner{owner}, ChannelKind::channel, reader,
                                                       RespVersion::resp2, out, orders_);
        std::set<std::string>& names = parting_[owner];
        if (all) {
            names = std::exchange(has_[owner], {});
        } else if (has_[owner].erase(name) > 0) {
            names.insert(name);
        }
        // What others have too it has left at once.
        std::erase_if(names, [&](const std::string& one) {
            const auto* const channel = book_.find(ChannelKind::channel, one);
            return channel == nullptr || channel->leaver != Owner{owner};
        });
        EXPECT_EQ(names.empty(), left);
        EXPECT_EQ(book_.parts(Owner{owner}), !left);
        if (left) told(owner);
    }
    void told(std::uint32_t owner) {
        const auto left = parting_.extract(owner);
        ASSERT_FALSE(left.empty());
        for (const std::string& name : left.mapped())
            EXPECT_FALSE(server_.contains(name)) << name;
    }
    void part() {
        const std::uint32_t owner = 1 + pick(owner_count);
        book_.leave(Owner{owner}, orders_);
        waiting_.erase(owner);
        parting_.erase(owner);
        has_.erase(owner);
    }
    void open() {
        if (open_) return;
        open_ = true;
        book_.opened(orders_);
    }
    void lose() {
        if (!open_) {
            open();
            return;
        }
        if (pick(3) > 0) return;
        open_ = false;
        server_.clear();
        requests_.clear();
        orders_.clear();
        std::vector<Owner> ready;
        book_.lost(ready);
        for (const Owner owner : ready)
            told(static_cast<std::uint32_t>(owner));
        EXPECT_TRUE(parting_.empty());
    }
    /// What the book orders reaches the server as a request for each channel.
    void send() {
        std::string_view rest = orders_;
        while (!rest.empty()) {
            ArgumentReader words(wire::as_bytes(rest));
            ASSERT_EQ(words.count(), 2U);
            const std::string verb(words.next().value());
            const std::string_view name = words.next().value();
            requests_.emplace_back(verb == "subscribe", std::string(name));
            rest.remove_prefix(static_cast<std::size_t>(name.data() - rest.data()) + name.size() +
                               2);
        }
        orders_.clear();
    }
    void answer() {
        if (requests_.empty()) return;
        const auto [subscribes, name] = requests_.front();
        requests_.pop_front();
        if (subscribes && pick(10) == 0) {
            refuse();
            return;
        }
        if (subscribes) {
            server_.insert(name);
        } else {
            server_.erase(name);
            for (auto& [owner, names] : parting_)
                names.erase(name);
        }
        std::vector<Owner> ready;
        ASSERT_TRUE(book_.acknowledged(ChannelKind::channel, subscribes, name, ready));
        for (const Owner owner : ready) {
            const auto number = static_cast<std::uint32_t>(owner);
            if (parting_.contains(number)) {
                told(number);
            } else {
                acknowledge(number);
            }
        }
    }
    void refuse() {
        std::vector<Owner> refused;
        std::vector<Owner> expelled;
        std::vector<Owner> ready;
        ASSERT_TRUE(book_.refused(refused, expelled, ready));
        EXPECT_TRUE(ready.empty());
        for (const Owner owner : refused) {
            book_.withdraw(owner, orders_);
            waiting_.erase(static_cast<std::uint32_t>(owner));
        }
        for (const Owner owner : expelled) {
            book_.leave(owner, orders_);
            waiting_.erase(static_cast<std::uint32_t>(owner));
            parting_.erase(static_cast<std::uint32_t>(owner));
            has_.erase(static_cast<std::uint32_t>(owner));
        }
    }

    std::mt19937 random_;
    ChannelBook book_;
    std::string orders_;
    std::map<std::uint32_t, std::vector<std::string>> waiting_;
    std::map<std::uint32_t, std::set<std::string>> has_;
    std::map<std::uint32_t, std::set<std::string>>
        parting_;  ///< What they leave, and the server has yet to give up.
    std::deque<std::pair<bool, std::string>> requests_;
    std::set<std::string> server_;
    bool open_ = false;
};

TEST(ChannelBook, agrees_with_its_clients_and_its_server_whatever_happens) {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        World world(seed);
        for (unsigned turn = 0; turn < 300; ++turn)
            world.step();
        world.settle();
        world.check();
        if (testing::Test::HasFailure()) return;
    }
}

}  // namespace
}  // namespace sluice::resp::test
