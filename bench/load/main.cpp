// sluice-bench: thousands of brief clients at once, each of which lives again when it has ended.
// Prints what they have met with, a name and a number a line.

#include "bench/load/brief_client.hpp"
#include "bench/load/options.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <span>
#include <variant>

namespace sluice::load {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{30};  // For those that live when time is up.
constexpr std::chrono::milliseconds look_after{100};
constexpr unsigned other_files = 16;

/// A client is a file. Says whether the system gives that many, and if not, how many.
bool raise_file_limit(unsigned clients) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return true;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max >= clients + other_files) return true;
    std::fprintf(stderr, "sluice-bench: %u clients, but no more than %llu open files: ulimit -Hn\n",
                 clients, static_cast<unsigned long long>(limit.rlim_max));
    return false;
}

/// Clients that do not live begin, those that failed too: after a pause, because a storm of
/// refusals measures nothing.
void begin_all(std::deque<BriefClient>& clients, TimePoint now) {
    for (BriefClient& client : clients)
        if (!client.lives()) client.begin(now);
}

bool is_over(const std::deque<BriefClient>& clients, TimePoint now, TimePoint end) {
    if (now < end) return false;
    return now > end + patience || std::ranges::none_of(clients, &BriefClient::lives);
}

/// Returns when all have ended: none begins anew behind `end`, and none is waited for for ever.
void live(std::deque<BriefClient>& clients, int epoll_fd, TimePoint end) {
    std::array<epoll_event, 256> events{};
    TimePoint next_look{};
    while (true) {
        const TimePoint now = Clock::now();
        if (now >= next_look) {
            if (is_over(clients, now, end)) return;
            if (now < end) begin_all(clients, now);
            next_look = now + look_after;
        }
        const int count = ::epoll_wait(epoll_fd, events.data(), static_cast<int>(events.size()),
                                       static_cast<int>(look_after.count()));
        const TimePoint heard = Clock::now();
        for (int at = 0; at < count; ++at) {
            auto& client =
                *static_cast<BriefClient*>(events[static_cast<std::size_t>(at)].data.ptr);
            if (client.ready(heard) && heard < end) client.begin(heard);
        }
    }
}

void print(Tally& tally, double seconds) {
    std::ranges::sort(tally.lives);
    const std::size_t count = tally.lives.size();
    std::printf("lives %zu\nrate %.1f\nqueries %llu\n", count, static_cast<double>(count) / seconds,
                static_cast<unsigned long long>(tally.queries));
    constexpr std::array<std::pair<const char*, double>, 4> quantiles{
        {{"p50_ms", 0.5}, {"p99_ms", 0.99}, {"p99.9_ms", 0.999}, {"longest_ms", 1.0}}};
    for (const auto& [name, part] : quantiles) {
        if (count == 0) break;
        const auto place = static_cast<std::size_t>(part * static_cast<double>(count - 1));
        std::printf("%s %.3f\n", name, static_cast<double>(tally.lives[place].count()) / 1000);
    }
    std::uint64_t failures = 0;
    for (const auto& [reason, times] : tally.failures)
        failures += times;
    std::printf("failures %llu\n", static_cast<unsigned long long>(failures));
    for (const auto& [reason, times] : tally.failures)
        std::printf("failure %llu %s\n", static_cast<unsigned long long>(times), reason.c_str());
}

int run(const Options& options) {
    if (!raise_file_limit(options.clients)) return 1;
    const int epoll_fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0) {
        std::perror("sluice-bench: epoll_create1");
        return 1;
    }
    Tally tally;
    KeyMemo memo;
    const TimePoint begin = Clock::now();
    {
        std::deque<BriefClient> clients;
        while (clients.size() < options.clients)
            clients.emplace_back(options.errand, tally, memo, epoll_fd);
        live(clients, epoll_fd, begin + std::chrono::seconds(options.seconds));
        for (const BriefClient& client : clients)
            tally.failures["never answered"] += client.lives() ? 1U : 0U;
    }
    if (tally.failures["never answered"] == 0) tally.failures.erase("never answered");
    ::close(epoll_fd);
    print(tally, std::chrono::duration<double>(Clock::now() - begin).count());
    return tally.lives.empty() ? 1 : 0;
}

}  // namespace

}  // namespace sluice::load

int main(int count, char** arguments) {
    const auto all = std::span(arguments, static_cast<std::size_t>(count));
    const auto read = sluice::load::read_options(all.subspan(1));
    if (const auto* wrong = std::get_if<sluice::load::WrongUsage>(&read)) {
        std::fprintf(stderr, "sluice-bench: %s; see --help\n", wrong->text.c_str());
        return 2;
    }
    if (std::holds_alternative<sluice::load::HelpAsked>(read)) {
        std::fputs(sluice::load::usage, stdout);
        return 0;
    }
    return sluice::load::run(std::get<sluice::load::Options>(read));
}
