#pragma once

#include "server/net/address.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::server {

class PeerCancel;
class Worker;

/// Behind a load balancer a CancelRequest may reach another instance than the one that has its
/// client. What is nobody's here is sent on to the peers that may know it:
///
///     client --CancelRequest--> this instance --the same, marked--> peer that has the client
///
/// The mark stands behind the key and says that another instance has asked: such a request is
/// carried out or dropped, never sent on, so that no two instances can play with it for ever.
///
/// Owned by its worker. Confined to: its worker.
class PeerCancels {
  public:
    explicit PeerCancels(Worker& worker);
    ~PeerCancels();
    PeerCancels(const PeerCancels&) = delete;
    PeerCancels& operator=(const PeerCancels&) = delete;

    /// Takes the mark off a key that bears one, and says whether it did.
    [[nodiscard]] static bool take_mark(std::string& key);
    /// The first four bytes of a key of ours: the instance's number, if it has one, and what cannot
    /// be guessed.
    [[nodiscard]] static std::uint32_t secret_of(std::uint32_t instance, std::uint32_t random);

    /// Runs `done` when each peer that may know this key has been asked, or could not be. False,
    /// and `done` is not run, where there is none.
    bool ask(std::uint32_t process_id, std::string_view key, std::function<void()> done);
    /// A name of a peer has been looked up.
    void resolved(std::uint64_t question, const std::vector<net::SocketAddress>& addresses);

    [[nodiscard]] bool empty() const noexcept { return calls_.empty(); }
    void close_all() noexcept;

  private:
    friend class PeerCancel;
    /// One cancel request, for as long as a peer is being asked.
    struct Question {
        std::uint64_t id;
        std::string packet;
        std::size_t left;  ///< Names and addresses that have not come to an end.
        std::function<void()> done;
    };

    void ask_address(Question& question, const net::SocketAddress& address);
    void settle(std::uint64_t question);
    void ended(PeerCancel& call, bool reached);
    [[nodiscard]] Question* find(std::uint64_t id) noexcept;

    Worker& worker_;
    std::vector<Question> questions_;
    std::vector<std::unique_ptr<PeerCancel>> calls_;
};

}  // namespace sluice::server
