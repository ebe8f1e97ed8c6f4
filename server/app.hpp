#pragma once

#include "config/load.hpp"

#include <functional>
#include <memory>

namespace sluice::server {

/// The whole program between its settings and its exit code: listeners, workers, the admin
/// listener, signals.
///
/// SIGTERM stops accepting, lets running transactions end within `shutdown_timeout` and exits 0;
/// SIGINT (or a second SIGTERM) exits at once.
class App {
  public:
    /// `reload` reads the settings anew, for SIGHUP.
    App(const config::Settings& settings, std::function<config::LoadResult()> reload);
    ~App();

    /// Binds everything, then serves until a signal. Returns the exit code. A start that fails is
    /// reported on standard error and returns 1.
    int run();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace sluice::server
