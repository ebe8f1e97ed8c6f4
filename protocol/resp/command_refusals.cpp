#include "protocol/resp/command_refusals.hpp"

#include <algorithm>

namespace sluice::resp {

namespace {

constexpr std::size_t shown_bytes_max = 128;

/// As the server shows it: a subcommand behind a bar.
std::string full_name(const CommandRow& row) {
    std::string name(row.name);
    std::ranges::replace(name, ' ', '|');
    return name;
}

}  // namespace

std::string unknown_command(std::string_view name, ArgumentReader arguments) {
    std::string text = "ERR unknown command '";
    text += name.substr(0, shown_bytes_max);
    text += "', with args beginning with: ";
    std::string shown;
    while (shown.size() < shown_bytes_max) {
        const auto argument = arguments.next();
        const std::string_view text_of_it = argument.value_or(arguments.begun());
        if (!argument && text_of_it.empty()) break;
        shown += '\'';
        shown += text_of_it.substr(0, shown_bytes_max - (shown.size() - 1));
        shown += "' ";
        if (!argument) break;
    }
    return text + shown;
}

std::string unknown_subcommand(const CommandRow& container, std::string_view name) {
    std::string upper(container.name);
    std::ranges::transform(upper, upper.begin(),
                           [](char letter) { return static_cast<char>(letter - ('a' - 'A')); });
    return "ERR unknown subcommand '" + std::string(name.substr(0, shown_bytes_max)) + "'. Try " +
           upper + " HELP.";
}

std::string wrong_arguments(const CommandRow& row) {
    return "ERR wrong number of arguments for '" + full_name(row) + "' command";
}

bool is_allowed_while_subscribed(CommandWay way) noexcept {
    using Way = CommandWay;
    return way == Way::subscriber || way == Way::ping || way == Way::quit || way == Way::reset;
}

std::string not_while_subscribed(const CommandRow& row) {
    // EXEC has a word of its own for whatever it is refused for.
    return (row.way == CommandWay::exec ? "EXECABORT Transaction discarded because of: " : "ERR ") +
           ("Can't execute '" + full_name(row)) +
           "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
           "context";
}

}  // namespace sluice::resp
