#pragma once

#include "protocol/pg/session_question.hpp"
#include "protocol/pg/session_watch.hpp"

#include "server/pg/profile.hpp"

namespace sluice::server {

/// A question to a backend about its session that has not been answered yet.
struct SessionInquiry {
    pg::SessionDoubts doubts;
    pg::SessionAnswerReader reader = {};
    bool spoilt = false;     ///< Refused, or the answer cannot be read.
    bool timed_out = false;  ///< The client's statement_timeout has ended it, or so it seems.
    bool insists = false;    ///< It is asked again, without that.
};

}  // namespace sluice::server
