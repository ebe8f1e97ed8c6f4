#pragma once

#include "protocol/resp/channel_kind.hpp"
#include "protocol/resp/owed_queue.hpp"
#include "protocol/resp/reply_scanner.hpp"
#include "protocol/resp/request.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::resp {

/// Who of many clients has subscribed to what, and what their one backend has. A channel is asked
/// for when its first client comes and given up with its last.
///
/// A client's request is acknowledged when the server has acknowledged every channel in it, all at
/// once as the server does it, and with the client's own counts. Until then it gets nothing from
/// those that were there already, so no message comes before the acknowledgement it belongs to.
/// Who leaves a channel as its last client has it until the server has given it up, and is told
/// so then: a PUBLISH behind the acknowledgement finds nobody there.
///
/// Each channel is asked for by a request of its own, so that each has one answer: what the server
/// refuses (rights) concerns those alone who want that channel.
///
/// Nothing here performs I/O. Owned by the server's object of the backend.
class ChannelBook {
  public:
    struct Channel {
        std::string_view name;
        ChannelKind kind = ChannelKind::channel;
        bool ordered = false;            ///< By the last request about it, answered or not.
        std::uint32_t answers_owed = 0;  ///< To requests about it.
        std::uint32_t users = 0;         ///< Clients that want it, and mentions in open requests.
        std::vector<Owner> subscribers;
        std::vector<Owner> waiting;    ///< For the server's acknowledgement.
        Owner leaver = Owner::nobody;  ///< Who is told when the server has given it up.

        [[nodiscard]] bool held() const noexcept { return ordered && answers_owed == 0; }
    };

    /// Opens the request of a client that has none open. `orders` receives what goes to the
    /// backend. True: acknowledge() may be called at once.
    [[nodiscard]] bool subscribe(Owner owner, ChannelKind kind, ArgumentReader names,
                                 std::string& orders);
    /// The open request is fulfilled: the client has its channels, and `out` the acknowledgements.
    void acknowledge(Owner owner, RespVersion version, std::string& out);
    /// Of a client that has no request open. No names: every channel of that kind. `out` receives
    /// the acknowledgements; true: they may be given at once, else when the client is ready.
    [[nodiscard]] bool unsubscribe(Owner owner, ChannelKind kind, ArgumentReader names,
                                   RespVersion version, std::string& out, std::string& orders);
    /// Likewise, from every channel, and nothing is said.
    [[nodiscard]] bool part(Owner owner, std::string& orders);
    /// The client goes without waiting for the server to give up what it leaves.
    void stop_parting(Owner owner);
    /// The open request, if there is one, is void.
    void withdraw(Owner owner, std::string& orders);
    /// The client is gone.
    void leave(Owner owner, std::string& orders);

    /// The backend is there, and has nothing yet.
    void opened(std::string& orders);
    /// What it had is void. Those who wait for a channel wait on; `ready` receives who leaves one.
    void lost(std::vector<Owner>& ready);
    /// The server has acknowledged. `ready` receives those whose request is now fulfilled.
    /// False: nothing of that kind was asked for, so what it has is not known any more.
    [[nodiscard]] bool acknowledged(ChannelKind kind, bool subscribed, std::string_view name,
                                    std::vector<Owner>& ready);
    /// The server has answered with an error: `refused` receives those whose open request cannot
    /// be fulfilled, `expelled` those who had the channel before the backend was lost, `ready` who
    /// has left it.
    [[nodiscard]] bool refused(std::vector<Owner>& refused, std::vector<Owner>& expelled,
                               std::vector<Owner>& ready);

    /// Null when nobody has it.
    [[nodiscard]] const Channel* find(ChannelKind kind, std::string_view name) const noexcept;
    [[nodiscard]] bool subscribed(Owner owner) const noexcept;
    /// Channels of every kind that the client has.
    [[nodiscard]] std::size_t count_of(Owner owner) const noexcept;
    /// Likewise, by kind.
    [[nodiscard]] std::array<std::uint32_t, channel_kind_count> counts_of(
        Owner owner) const noexcept;
    /// For channels that it wants.
    [[nodiscard]] bool waits(Owner owner) const noexcept;
    /// Waits for the server to give up what it leaves.
    [[nodiscard]] bool parts(Owner owner) const noexcept;
    /// Clients that have a channel or wait for one.
    template <typename Visit>
    void for_each_member(Visit visit) const {
        for (const auto& [owner, member] : members_)
            visit(static_cast<Owner>(owner));
    }
    [[nodiscard]] bool empty() const noexcept { return members_.empty(); }
    /// No answer is outstanding.
    [[nodiscard]] bool settled() const noexcept { return asked_.empty(); }
    [[nodiscard]] std::size_t channel_count() const noexcept;
    [[nodiscard]] std::size_t subscription_count() const noexcept { return subscription_count_; }
    /// Roughly what this takes of the memory.
    [[nodiscard]] std::size_t bytes() const noexcept;

  private:
    struct Member {
        /// With the client's place among the channel's subscribers.
        std::unordered_map<Channel*, std::uint32_t> channels;
        std::array<std::uint32_t, channel_kind_count> counts{};
        std::vector<Channel*> wanted;  ///< Of the open request, as it names them.
        std::uint32_t missing = 0;     ///< Of those, not held; else what it leaves, still held.

        [[nodiscard]] std::uint32_t shown_count(ChannelKind kind) const noexcept {
            // Channels and patterns are counted together, shard channels by themselves.
            if (kind == ChannelKind::shard) return counts[2];
            return counts[0] + counts[1];
        }
    };
    struct Asked {
        Channel* channel;
        bool subscribes;
    };
    struct NameHash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    using Channels = std::unordered_map<std::string, Channel, NameHash, std::equal_to<>>;

    [[nodiscard]] Member* member_of(Owner owner) noexcept;
    [[nodiscard]] Channel& use(ChannelKind kind, std::string_view name, std::string& orders);
    void release(Channel& channel, std::string& orders);
    void wait_for(Owner owner, Member& member);
    void depart(Owner owner, Member& member, Channel& channel, std::string& orders);
    void unlink(Member& member, Channel& channel);
    void let_go(Channel& channel, std::vector<Owner>& ready);
    void forget_if_empty(Owner owner, const Member& member);
    void order(Channel& channel, bool subscribes, std::string& orders);
    void erase_if_done(Channel& channel);

    std::array<Channels, channel_kind_count> channels_;
    std::unordered_map<std::uint32_t, Member> members_;  ///< By Owner.
    std::deque<Asked> asked_;                            ///< Answers outstanding, oldest first.
    std::size_t subscription_count_ = 0;
    std::size_t name_bytes_ = 0;
    bool open_ = false;
};

}  // namespace sluice::resp
