#include "config/command_line.hpp"
#include "config/load.hpp"

#include "server/app.hpp"
#include "server/version.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

constexpr int exit_bad_settings = 2;

int run(const std::vector<std::string>& arguments) {
    namespace config = sluice::config;
    namespace server = sluice::server;
    const config::CommandLine command_line = config::parse_command_line(arguments);
    if (command_line.action == config::Action::show_version) {
        std::printf("sluice %s\n", std::string(server::version).c_str());
        return 0;
    }
    if (command_line.action == config::Action::show_help) {
        std::fputs(std::string(config::usage()).c_str(), stdout);
        return 0;
    }
    const config::LoadResult loaded = config::load(command_line);
    for (const config::Problem& problem : loaded.problems) {
        std::fprintf(stderr, "%s\n", config::to_text(problem).c_str());
    }
    if (!loaded.usable()) return exit_bad_settings;
    if (command_line.action == config::Action::check) return 0;
    return server::App(loaded.settings, [&] { return config::load(command_line); }).run();
}

}  // namespace

int main(int count, char** values) {
    try {
        return run(std::vector<std::string>(values + 1, values + count));
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "sluice: %s\n", problem.what());
        return 1;
    }
}
