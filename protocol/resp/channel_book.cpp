#include "protocol/resp/channel_book.hpp"

#include "protocol/assert.hpp"
#include "protocol/resp/replies.hpp"

#include <algorithm>
#include <optional>

namespace sluice::resp {

namespace {

void append_acknowledgement(std::string& out, std::string_view word,
                            std::optional<std::string_view> name, std::uint32_t count,
                            RespVersion version) {
    append_push(out, 3, version);
    append_bulk(out, word);
    if (name) {
        append_bulk(out, *name);
    } else {
        append_null(out, version);
    }
    append_integer(out, count);
}

}  // namespace

bool ChannelBook::subscribe(Owner owner, ChannelKind kind, ArgumentReader names,
                            std::string& orders) {
    Member& member = members_[static_cast<std::uint32_t>(owner)];
    SLUICE_ASSERT(member.wanted.empty());
    while (const auto name = names.next())
        member.wanted.push_back(&use(kind, *name, orders));
    wait_for(owner, member);
    return member.missing == 0;
}

void ChannelBook::wait_for(Owner owner, Member& member) {
    member.missing = 0;
    for (Channel* const channel : member.wanted) {
        if (channel->held()) continue;
        // Named twice in one request, it is waited for once.
        if (!channel->waiting.empty() && channel->waiting.back() == owner) continue;
        channel->waiting.push_back(owner);
        ++member.missing;
    }
}

ChannelBook::Channel& ChannelBook::use(ChannelKind kind, std::string_view name,
                                       std::string& orders) {
    Channels& channels = channels_[static_cast<std::size_t>(kind)];
    auto at = channels.find(name);
    if (at == channels.end()) {
        at = channels.try_emplace(std::string(name)).first;
        at->second.name = at->first;
        at->second.kind = kind;
        name_bytes_ += name.size();
    }
    ++at->second.users;
    if (!at->second.ordered) order(at->second, true, orders);
    return at->second;
}

void ChannelBook::release(Channel& channel, std::string& orders) {
    --channel.users;
    if (channel.users > 0) return;
    if (channel.ordered) order(channel, false, orders);
    erase_if_done(channel);
}

void ChannelBook::order(Channel& channel, bool subscribes, std::string& orders) {
    if (!open_) return;
    const ChannelWords& words = words_of(channel.kind);
    append_request(orders, subscribes ? words.subscribe : words.unsubscribe, channel.name);
    channel.ordered = subscribes;
    ++channel.answers_owed;
    asked_.push_back({&channel, subscribes});
}

void ChannelBook::erase_if_done(Channel& channel) {
    if (channel.users > 0 || channel.ordered || channel.answers_owed > 0) return;
    Channels& channels = channels_[static_cast<std::size_t>(channel.kind)];
    name_bytes_ -= channel.name.size();
    channels.erase(channels.find(channel.name));
}

void ChannelBook::acknowledge(Owner owner, RespVersion version, std::string& out) {
    Member* const member = member_of(owner);
    SLUICE_ASSERT(member != nullptr && member->missing == 0);
    for (Channel* const channel : member->wanted) {
        const auto place = static_cast<std::uint32_t>(channel->subscribers.size());
        if (member->channels.try_emplace(channel, place).second) {
            channel->subscribers.push_back(owner);
            ++member->counts[static_cast<std::size_t>(channel->kind)];
            ++subscription_count_;
        } else {
            --channel->users;  // Not the last: the client has it.
        }
        append_acknowledgement(out, words_of(channel->kind).subscribe, channel->name,
                               member->shown_count(channel->kind), version);
    }
    member->wanted = {};
}

bool ChannelBook::unsubscribe(Owner owner, ChannelKind kind, ArgumentReader names,
                              RespVersion version, std::string& out, std::string& orders) {
    const std::string_view word = words_of(kind).unsubscribe;
    Member none;
    Member* const known = member_of(owner);
    Member& member = known == nullptr ? none : *known;
    SLUICE_ASSERT(member.missing == 0);
    if (names.left() == 0) {
        std::vector<Channel*> all;
        for (const auto& [channel, place] : member.channels) {
            if (channel->kind == kind) all.push_back(channel);
        }
        if (all.empty()) {
            append_acknowledgement(out, word, std::nullopt, member.shown_count(kind), version);
        }
        for (Channel* const channel : all) {
            --member.counts[static_cast<std::size_t>(kind)];
            append_acknowledgement(out, word, channel->name, member.shown_count(kind), version);
            depart(owner, member, *channel, orders);
        }
    }
    Channels& channels = channels_[static_cast<std::size_t>(kind)];
    while (const auto name = names.next()) {
        const auto at = channels.find(*name);
        // Named twice, it is left once.
        if (at != channels.end() && at->second.leaver != owner &&
            member.channels.contains(&at->second)) {
            --member.counts[static_cast<std::size_t>(kind)];
            depart(owner, member, at->second, orders);
        }
        append_acknowledgement(out, word, *name, member.shown_count(kind), version);
    }
    if (member.missing > 0) return false;
    if (known != nullptr) forget_if_empty(owner, member);
    return true;
}

bool ChannelBook::part(Owner owner, std::string& orders) {
    Member* const member = member_of(owner);
    if (member == nullptr) return true;
    SLUICE_ASSERT(member->missing == 0);
    member->counts = {};
    std::vector<Channel*> all;
    for (const auto& [channel, place] : member->channels)
        all.push_back(channel);
    for (Channel* const channel : all)
        depart(owner, *member, *channel, orders);
    if (member->missing > 0) return false;
    forget_if_empty(owner, *member);
    return true;
}

/// While others stay, or the server does not have it, there is nothing to wait for.
void ChannelBook::depart(Owner owner, Member& member, Channel& channel, std::string& orders) {
    if (channel.users > 1 || !channel.ordered) {
        unlink(member, channel);
        release(channel, orders);
        return;
    }
    channel.leaver = owner;
    ++member.missing;
    release(channel, orders);
}

/// The server does not have it any more, or says so.
void ChannelBook::let_go(Channel& channel, std::vector<Owner>& ready) {
    const Owner leaver = std::exchange(channel.leaver, Owner::nobody);
    if (leaver == Owner::nobody) return;
    Member* const member = member_of(leaver);
    unlink(*member, channel);
    if (--member->missing > 0) return;
    ready.push_back(leaver);
    forget_if_empty(leaver, *member);
}

void ChannelBook::stop_parting(Owner owner) {
    Member* const member = member_of(owner);
    if (member == nullptr) return;
    std::vector<Channel*> left;
    for (const auto& [channel, place] : member->channels) {
        if (channel->leaver == owner) left.push_back(channel);
    }
    for (Channel* const channel : left) {
        channel->leaver = Owner::nobody;
        unlink(*member, *channel);
    }
    member->missing = 0;
    forget_if_empty(owner, *member);
}

/// The last of the subscribers takes the place of the one that goes.
void ChannelBook::unlink(Member& member, Channel& channel) {
    const auto at = member.channels.find(&channel);
    const std::uint32_t place = at->second;
    member.channels.erase(at);
    const Owner last = channel.subscribers.back();
    channel.subscribers.pop_back();
    if (place < channel.subscribers.size()) {
        channel.subscribers[place] = last;
        member_of(last)->channels.find(&channel)->second = place;
    }
    --subscription_count_;
}

void ChannelBook::withdraw(Owner owner, std::string& orders) {
    Member* const member = member_of(owner);
    if (member == nullptr) return;
    for (Channel* const channel : std::exchange(member->wanted, {})) {
        std::erase(channel->waiting, owner);
        release(*channel, orders);
    }
    member->missing = 0;
    forget_if_empty(owner, *member);
}

void ChannelBook::leave(Owner owner, std::string& orders) {
    stop_parting(owner);
    withdraw(owner, orders);
    Member* const member = member_of(owner);
    if (member == nullptr) return;
    while (!member->channels.empty()) {
        Channel& channel = *member->channels.begin()->first;
        unlink(*member, channel);
        release(channel, orders);
    }
    members_.erase(static_cast<std::uint32_t>(owner));
}

void ChannelBook::forget_if_empty(Owner owner, const Member& member) {
    if (!member.channels.empty() || !member.wanted.empty()) return;
    members_.erase(static_cast<std::uint32_t>(owner));
}

void ChannelBook::opened(std::string& orders) {
    open_ = true;
    for (Channels& channels : channels_) {
        for (auto& [name, channel] : channels)
            order(channel, true, orders);
    }
}

void ChannelBook::lost(std::vector<Owner>& ready) {
    open_ = false;
    asked_.clear();
    for (Channels& channels : channels_) {
        for (auto at = channels.begin(); at != channels.end();) {
            Channel& channel = at->second;
            channel.ordered = false;
            channel.answers_owed = 0;
            channel.waiting.clear();
            let_go(channel, ready);
            if (channel.users == 0) name_bytes_ -= channel.name.size();
            at = channel.users == 0 ? channels.erase(at) : std::next(at);
        }
    }
    for (auto& [owner, member] : members_)
        wait_for(static_cast<Owner>(owner), member);
}

bool ChannelBook::acknowledged(ChannelKind kind, bool subscribed, std::string_view name,
                               std::vector<Owner>& ready) {
    if (asked_.empty()) return false;
    const Asked asked = asked_.front();
    Channel& channel = *asked.channel;
    if (asked.subscribes != subscribed || channel.kind != kind || channel.name != name) {
        return false;
    }
    asked_.pop_front();
    --channel.answers_owed;
    if (!subscribed) let_go(channel, ready);
    if (channel.held()) {
        for (const Owner owner : std::exchange(channel.waiting, {})) {
            Member* const member = member_of(owner);
            if (--member->missing == 0) ready.push_back(owner);
        }
    }
    erase_if_done(channel);
    return true;
}

bool ChannelBook::refused(std::vector<Owner>& refused, std::vector<Owner>& expelled,
                          std::vector<Owner>& ready) {
    if (asked_.empty()) return false;
    const Asked asked = asked_.front();
    Channel& channel = *asked.channel;
    asked_.pop_front();
    --channel.answers_owed;
    if (!asked.subscribes) let_go(channel, ready);
    // Behind it another request about the same channel may be under way, which decides.
    if (asked.subscribes && channel.held()) {
        channel.ordered = false;
        refused.insert(refused.end(), channel.waiting.begin(), channel.waiting.end());
        expelled.insert(expelled.end(), channel.subscribers.begin(), channel.subscribers.end());
    }
    erase_if_done(channel);
    return true;
}

const ChannelBook::Channel* ChannelBook::find(ChannelKind kind,
                                              std::string_view name) const noexcept {
    const Channels& channels = channels_[static_cast<std::size_t>(kind)];
    const auto at = channels.find(name);
    return at == channels.end() || at->second.subscribers.empty() ? nullptr : &at->second;
}

ChannelBook::Member* ChannelBook::member_of(Owner owner) noexcept {
    const auto at = members_.find(static_cast<std::uint32_t>(owner));
    return at == members_.end() ? nullptr : &at->second;
}

bool ChannelBook::subscribed(Owner owner) const noexcept {
    return count_of(owner) > 0;
}

std::size_t ChannelBook::count_of(Owner owner) const noexcept {
    const auto at = members_.find(static_cast<std::uint32_t>(owner));
    return at == members_.end() ? 0 : at->second.channels.size();
}

std::array<std::uint32_t, channel_kind_count> ChannelBook::counts_of(Owner owner) const noexcept {
    const auto at = members_.find(static_cast<std::uint32_t>(owner));
    return at == members_.end() ? std::array<std::uint32_t, channel_kind_count>{}
                                : at->second.counts;
}

bool ChannelBook::waits(Owner owner) const noexcept {
    const auto at = members_.find(static_cast<std::uint32_t>(owner));
    return at != members_.end() && !at->second.wanted.empty();
}

bool ChannelBook::parts(Owner owner) const noexcept {
    const auto at = members_.find(static_cast<std::uint32_t>(owner));
    return at != members_.end() && at->second.wanted.empty() && at->second.missing > 0;
}

std::size_t ChannelBook::channel_count() const noexcept {
    std::size_t count = 0;
    for (const Channels& channels : channels_)
        count += channels.size();
    return count;
}

std::size_t ChannelBook::bytes() const noexcept {
    constexpr std::size_t channel_bytes = 256;
    constexpr std::size_t member_bytes = 192;
    constexpr std::size_t subscription_bytes = 48;
    return name_bytes_ + channel_count() * channel_bytes + members_.size() * member_bytes +
           subscription_count_ * subscription_bytes;
}

}  // namespace sluice::resp
