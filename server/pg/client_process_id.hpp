#pragma once

#include <cstdint>

/// The process id that a client is given with its cancel key. It names the worker and the client's
/// slot there, so that a cancel is found without asking around; what cannot be guessed is the
/// secret. From the highest bit:
///
///     0, 1, four bits of a turn, six of the worker, twenty of the slot
///
/// No process of a system has so high a number: 2^22 is the most of Linux. So who hands it to
/// pg_terminate_backend() hits nobody, instead of whoever has a process of that number. By the turn
/// who comes next on the same slot has another one.
namespace sluice::server {

inline constexpr unsigned worker_bits = 6;
inline constexpr unsigned slot_bits = 20;
inline constexpr unsigned turn_shift = worker_bits + slot_bits;

/// `turn` is another one for each client. A million clients of one worker share their ids with
/// others, whose cancels then find nobody.
[[nodiscard]] constexpr std::uint32_t client_process_id(unsigned worker, std::uint32_t slot,
                                                        std::uint64_t turn) noexcept {
    constexpr std::uint32_t slot_mask = (1U << slot_bits) - 1;
    constexpr std::uint32_t worker_mask = (1U << worker_bits) - 1;
    constexpr std::uint64_t turn_mask = (1U << (30 - turn_shift)) - 1;
    return 1U << 30 | static_cast<std::uint32_t>(turn & turn_mask) << turn_shift |
           (worker & worker_mask) << slot_bits | (slot & slot_mask);
}

/// The slot of the client who may have it.
[[nodiscard]] constexpr std::uint32_t slot_of(std::uint32_t process_id) noexcept {
    return process_id & ((1U << slot_bits) - 1);
}

}  // namespace sluice::server
