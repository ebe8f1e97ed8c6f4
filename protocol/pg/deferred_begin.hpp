#pragma once

#include <cstdint>
#include <string>

namespace sluice::pg {

/// The BEGIN of a client that has been answered, and of which no backend knows before the first
/// statement in the block is sent:
///
///     none -> promised -> sent -> with_batch | awaited -> none
///                 |              `--> failed --------------> none
///                 `-> alone ---------------------------> none
///                       `-----------> refused ---------> none
///
/// Kept from the first one on. Owned by the client's session.
struct DeferredBegin {
    enum class Stage : std::uint8_t {
        none,
        promised,    ///< Answered, not sent.
        sent,        ///< In front of the request that is next.
        with_batch,  ///< In front of a batch that no Sync has ended.
        awaited,     ///< With its request; what comes behind that waits for its answer.
        alone,       ///< Before its request, which waits for its answer.
        failed,      ///< The client has been told, and what is behind it is read over.
        refused,     ///< The client has been told, and its request is not going to be sent.
    };
    Stage stage = Stage::none;
    std::string text;
};

}  // namespace sluice::pg
