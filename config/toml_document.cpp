// How the library is set up, and two faults of version 3.3 kept away from the text of a file:
// - It asserts some things that the text decides ("[#", "x = [}") and reports them as errors right
//   behind the assertion: so it gets none, and no hints to the optimiser in their place.
// - Its test for blanks ends in undefined behaviour on most letters from U+00A1 to U+FEFE: so that
//   one header is read with the answer "no" there. A static_assert below holds it to it.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ASSERT(expression) static_cast<void>(0)
#undef NDEBUG
// clang-format off
#include <toml++/impl/forward_declarations.h>
#pragma push_macro("TOML_UNREACHABLE")
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return {}
#include <toml++/impl/unicode.h>
#pragma pop_macro("TOML_UNREACHABLE")
#include <toml++/toml.h>
// clang-format on

#include "config/toml_document.hpp"

#include "config/toml_depth.hpp"

#include <algorithm>
#include <utility>

namespace sluice::config {

namespace {

static_assert(!toml::impl::is_whitespace(U'\u00e4') && toml::impl::is_whitespace(U'\u00a0'));

constexpr int syntax_errors_max = 20;
constexpr std::size_t file_bytes_max = 4UL * 1024 * 1024;

Place place_of(const toml::source_region& region, const Place& origin) {
    if (origin.line == 0 && origin.column == 0 && origin.file.starts_with("--")) return origin;
    return {origin.file, region.begin.line, region.begin.column};
}

Value convert(const toml::node& node, const Place& origin);

Table convert_table(const toml::table& table, const Place& origin) {
    Table entries;
    for (const auto& [key, node] : table) {
        entries.push_back(
            {std::string(key.str()), place_of(key.source(), origin), convert(node, origin)});
    }
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
    });
    return entries;
}

Value convert(const toml::node& node, const Place& origin) {
    Value value;
    value.place = place_of(node.source(), origin);
    if (const auto* text = node.as_string()) {
        value.content = text->get();
    } else if (const auto* number = node.as_integer()) {
        value.content = number->get();
    } else if (const auto* fraction = node.as_floating_point()) {
        value.content = fraction->get();
    } else if (const auto* flag = node.as_boolean()) {
        value.content = flag->get();
    } else if (const auto* array = node.as_array()) {
        List list;
        for (const auto& element : *array)
            list.push_back(convert(element, origin));
        value.content = std::move(list);
    } else if (const auto* table = node.as_table()) {
        value.content = convert_table(*table, origin);
    } else {
        value.content = Moment{};
    }
    return value;
}

/// The bounds of one line, without its line break. Lines count from 1.
std::pair<std::size_t, std::size_t> line_bounds(std::string_view text, std::uint32_t line) {
    std::size_t begin = 0;
    for (std::uint32_t i = 1; i < line; ++i) {
        const auto end = text.find('\n', begin);
        if (end == std::string_view::npos) return {text.size(), text.size()};
        begin = end + 1;
    }
    return {begin, std::min(text.find('\n', begin), text.size())};
}

/// The library's words, shortened, with what most often helps. Its quotation of what it saw is
/// dropped where that may be a part of a secret.
std::string explain(std::string_view description, std::string_view line) {
    constexpr std::string_view opening = "Error while parsing ";
    if (description.starts_with(opening)) description.remove_prefix(opening.size());
    std::string text = "is not TOML: " + std::string(description);
    if (line.find("password") != std::string_view::npos) {
        text = "is not TOML (not shown, since it may be a secret)";
    }
    const auto equals = line.find('=');
    const auto first = equals == std::string_view::npos
                           ? std::string_view::npos
                           : line.find_first_not_of(" \t\r", equals + 1);
    if (first != std::string_view::npos && line[first] != '"' && line[first] != '\'' &&
        line[first] != '[' && line[first] != '{') {
        text += "; text, durations and sizes stand in quotes";
    }
    return text;
}

std::string_view line_of(std::string_view text, std::uint32_t line) {
    const auto [begin, end] = line_bounds(text, line);
    return text.substr(begin, end - begin);
}

enum class LineKind { key_and_value, header, other };

LineKind kind_of_line(std::string_view line) {
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) return LineKind::other;
    if (line[first] == '[') return LineKind::header;
    const auto equals = line.find('=');
    const auto strange = line.find_first_of(",]{}");
    return equals != std::string_view::npos && equals < strange ? LineKind::key_and_value
                                                                : LineKind::other;
}

std::variant<Table, Problem> attempt_parse(const std::string& text, const std::string& file) {
    if (const auto found = find_too_deep(text)) {
        return error_at({file, found->line, found->column},
                        "is not TOML: more dots outside of quotes than any key has");
    }
    const auto parsed = toml::parse(std::string_view(text), std::string_view(file));
    if (parsed) return convert_table(parsed.table(), {file, 0, 0});
    const auto where = parsed.error().source().begin;
    return error_at({file, where.line, where.column},
                    explain(parsed.error().description(), line_of(text, where.line)));
}

/// Takes the mistake out of the text so that the rest can be read, and says whether it could.
bool take_out(std::string& text, std::uint32_t line) {
    const auto [begin, end] = line_bounds(text, line);
    switch (kind_of_line(std::string_view(text).substr(begin, end - begin))) {
        case LineKind::key_and_value: text.replace(begin, end - begin, ""); return true;
        // What follows a broken header would be taken for keys of the section before it.
        case LineKind::header: text.resize(begin); return true;
        case LineKind::other: return false;
    }
    return false;
}

}  // namespace

const char* kind_of(const Value& value) {
    static constexpr const char* names[] = {
        "text",   "a whole number", "a number with a fraction", "true or false", "a date or time",
        "a list", "a table"};
    return names[value.content.index()];
}

Document parse_toml(std::string_view text, const std::string& file) {
    Document document;
    if (text.size() > file_bytes_max) {
        document.problems.push_back(error_at({file, 0, 0}, "is larger than 4MiB"));
        document.whole = false;
        return document;
    }
    std::string remaining(text);
    for (int round = 0; round < syntax_errors_max; ++round) {
        auto attempt = attempt_parse(remaining, file);
        if (auto* root = std::get_if<Table>(&attempt)) {
            document.root = std::move(*root);
            return document;
        }
        document.whole = false;
        auto& problem = std::get<Problem>(attempt);
        // A later error on a line that cannot stand alone comes of what was taken out before.
        if (round > 0 && kind_of_line(line_of(remaining, problem.line)) == LineKind::other) break;
        document.problems.push_back(problem);
        if (!take_out(remaining, problem.line)) break;
    }
    return document;
}

std::optional<Value> parse_toml_value(std::string_view text, const Place& place) {
    const auto line = "value = " + std::string(text);
    if (line.size() > file_bytes_max || find_too_deep(line)) return std::nullopt;
    const auto parsed = toml::parse(std::string_view(line), std::string_view(place.file));
    if (!parsed || parsed.table().size() != 1) return std::nullopt;
    return convert(parsed.table().begin()->second, place);
}

}  // namespace sluice::config
