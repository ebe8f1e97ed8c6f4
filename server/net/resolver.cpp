#include "server/net/resolver.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace sluice::net {

namespace asio = boost::asio;

struct Resolver::State {
    using Key = std::pair<std::string, std::uint16_t>;
    struct Known {
        std::vector<SocketAddress> addresses;
        std::chrono::steady_clock::time_point learnt;
        std::vector<Answer> asking;  ///< Who waits for the look-up under way, if one is.
    };

    State(asio::io_context& control, std::chrono::milliseconds ttl)
        : resolver(control), ttl_max(ttl) {}

    void looked_up(const Key& key, const boost::system::error_code& error,
                   const asio::ip::tcp::resolver::results_type& results);

    asio::ip::tcp::resolver resolver;
    std::mutex mutex;
    std::chrono::milliseconds ttl_max;
    std::map<Key, Known> known;  // One entry for each host of the settings.
};

Resolver::Resolver(asio::io_context& control, std::chrono::milliseconds ttl_max)
    : state_(std::make_unique<State>(control, ttl_max)) {}

Resolver::~Resolver() = default;

void Resolver::set_ttl_max(std::chrono::milliseconds ttl_max) {
    const std::lock_guard lock(state_->mutex);
    state_->ttl_max = ttl_max;
}

void Resolver::resolve(const std::string& host, std::uint16_t port, Answer answer) {
    const State::Key key{host, port};
    std::vector<SocketAddress> addresses;
    {
        const std::lock_guard lock(state_->mutex);
        State::Known& known = state_->known[key];
        const auto age = std::chrono::steady_clock::now() - known.learnt;
        if (known.addresses.empty() || age > state_->ttl_max) {
            known.asking.push_back(std::move(answer));
            if (known.asking.size() > 1) return;
            state_->resolver.async_resolve(
                host, std::to_string(port),
                [state = state_.get(), key](const auto& error, const auto& results) {
                    state->looked_up(key, error, results);
                });
            return;
        }
        addresses = known.addresses;
    }
    answer(std::move(addresses), {});
}

void Resolver::State::looked_up(const Key& key, const boost::system::error_code& error,
                                const asio::ip::tcp::resolver::results_type& results) {
    std::vector<Answer> asking;
    std::vector<SocketAddress> addresses;
    {
        const std::lock_guard lock(mutex);
        Known& entry = known[key];
        asking.swap(entry.asking);
        if (!error) {
            entry.addresses.clear();
            for (const auto& result : results) {
                const auto& endpoint = result.endpoint();
                SocketAddress address;
                std::memcpy(&address.storage, endpoint.data(), endpoint.size());
                address.size = static_cast<socklen_t>(endpoint.size());
                entry.addresses.push_back(address);
            }
            entry.learnt = std::chrono::steady_clock::now();
        }
        addresses = entry.addresses;
    }
    for (Answer& answer : asking)
        answer(addresses, error ? error.message() : std::string());
}

}  // namespace sluice::net
