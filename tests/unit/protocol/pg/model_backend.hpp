#pragma once

#include <cstddef>
#include <string>
#include <vector>

/// A model of how PostgreSQL answers frames, as simple as it can be: the second opinion against
/// which BackendSession is run on random conversations.
namespace sluice::pg::test {

/// What a request is to come to when the model reads it.
enum class Outcome { succeeds, fails, copies_in, copies_in_and_fails_at_once, copies_in_twice };

struct SentFrame {
    char letter;
    Outcome outcome = Outcome::succeeds;
};

class ModelBackend {
  public:
    /// Appends the replies' tokens to what `replies()` returns.
    void read(SentFrame frame) {
        if (closed_) return;
        if (copy_ != Copy::none) {
            read_in_copy(frame);
        } else if (discarding_) {
            if (frame.letter == 'S') {
                discarding_ = false;
                unsynced_ = false;
                say("Z");
            }
        } else {
            read_request(frame);
        }
    }

    [[nodiscard]] const std::vector<std::string>& replies() const { return replies_; }
    [[nodiscard]] bool idle() const {
        return !closed_ && copy_ == Copy::none && !discarding_ && !unsynced_;
    }
    [[nodiscard]] bool closed() const { return closed_; }
    [[nodiscard]] bool copying() const { return copy_ != Copy::none; }

  private:
    enum class Copy { none, of_query, of_execute };

    void say(const char* tokens) {
        std::string token;
        for (const char* at = tokens;; ++at) {
            if (*at != ' ' && *at != '\0') {
                token += *at;
                continue;
            }
            if (!token.empty()) replies_.push_back(token);
            token.clear();
            if (*at == '\0') return;
        }
    }

    void read_in_copy(SentFrame frame) {
        const bool fails = frame.outcome == Outcome::fails;
        switch (frame.letter) {
            case 'd':
                if (fails) copy_failed();
                return;
            case 'c':
                if (fails) {
                    copy_failed();
                } else if (copies_left_ > 0) {
                    --copies_left_;
                    say("C G");
                } else {
                    say(copy_ == Copy::of_query ? "C Z" : "C");
                    copy_ = Copy::none;
                }
                return;
            case 'f': copy_failed(); return;
            case 'S':
            case 'H': return;
            default: say("E E"); closed_ = true;
        }
    }

    void copy_failed() {
        say("E");
        if (copy_ == Copy::of_query) {
            say("Z");
        } else {
            discarding_ = true;
        }
        copy_ = Copy::none;
        copies_left_ = 0;
    }

    void copy_begins(Copy copy, Outcome outcome) {
        say("G");
        copy_ = copy;
        copies_left_ = outcome == Outcome::copies_in_twice ? 1 : 0;
        if (outcome == Outcome::copies_in_and_fails_at_once) copy_failed();
    }

    void read_request(SentFrame frame) {
        const bool fails = frame.outcome == Outcome::fails;
        const bool copies = !fails && frame.outcome != Outcome::succeeds;
        switch (frame.letter) {
            case 'Q':
                unsynced_ = false;
                if (copies) {
                    copy_begins(Copy::of_query, frame.outcome);
                } else {
                    say(fails ? "T D E Z" : "T D C Z");
                }
                return;
            case 'F':
                unsynced_ = false;
                say(fails ? "E Z" : "V Z");
                return;
            case 'S':
                say(fails && unsynced_ ? "E Z" : "Z");  // Without a transaction, nothing can fail.
                unsynced_ = false;
                return;
            case 'P':
            case 'B':
            case 'D':
            case 'E':
            case 'C': read_extended(frame); return;
            default: return;  // Flush, and a COPY's frames behind its end.
        }
    }

    void read_extended(SentFrame frame) {
        unsynced_ = true;
        if (frame.outcome == Outcome::fails) {
            say("E");
            discarding_ = true;
            return;
        }
        switch (frame.letter) {
            case 'P': say("1"); return;
            case 'B': say("2"); return;
            case 'D': say("t T"); return;
            case 'C': say("3"); return;
            default: break;
        }
        if (frame.outcome == Outcome::succeeds) {
            say("D C");
        } else {
            const bool twice = frame.outcome == Outcome::copies_in_twice;  // Not in one Execute.
            copy_begins(Copy::of_execute, twice ? Outcome::copies_in : frame.outcome);
        }
    }

    std::vector<std::string> replies_;
    Copy copy_ = Copy::none;
    int copies_left_ = 0;
    bool discarding_ = false;
    bool unsynced_ = false;
    bool closed_ = false;
};

}  // namespace sluice::pg::test
