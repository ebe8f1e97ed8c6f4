#include "config/file_text.hpp"
#include "config/reading.hpp"

#include <cstdlib>

namespace sluice::config {

namespace {

constexpr const char* forms = "wanted text, { file = \"path\" } or { env = \"NAME\" }";

bool accept(const Found& found, const std::string& text, Secret& out) {
    if (text.find('\0') != std::string::npos) return found.reject("holds a zero byte");
    if (text.size() > secret_bytes_max) return found.reject("is longer than 64KiB");
    out = Secret(text);
    return true;
}

bool take_from_file(const Found& found, const std::string& name, Secret& out) {
    const auto path = found.reading.folder / name;
    auto file = read_file(path, secret_bytes_max + 2);
    if (!file.text) return found.reject("the file " + path.string() + " " + file.error);
    // Editors and `echo` end a file with a line break, which nobody means as part of the secret.
    if (file.text->ends_with('\n')) file.text->pop_back();
    if (file.text->ends_with('\r')) file.text->pop_back();
    if (file.text->empty()) return found.reject("the file " + path.string() + " is empty");
    return accept(found, *file.text, out);
}

bool take_from_environment(const Found& found, const std::string& name, Secret& out) {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return found.reject("the environment variable " + name + " is not set");
    if (*value == '\0') return found.reject("the environment variable " + name + " is empty");
    return accept(found, value, out);
}

}  // namespace

bool take(const Found& found, Secret& out) {
    if (const auto* table = std::get_if<Table>(&found.value.content)) {
        if (table->size() != 1) return found.reject(forms);
        const auto& [key, place, value] = table->front();
        const auto* name = std::get_if<std::string>(&value.content);
        if (name == nullptr || name->empty()) return found.reject(forms);
        if (key == "file") return take_from_file(found, *name, out);
        if (key == "env") return take_from_environment(found, *name, out);
        return found.reject(forms);
    }
    if (const auto* text = std::get_if<std::string>(&found.value.content)) {
        return accept(found, *text, out);
    }
    if (!found.value.as_written.empty() && !std::holds_alternative<List>(found.value.content)) {
        return accept(found, found.value.as_written, out);
    }
    return found.reject(std::string(forms) + ", found " + kind_of(found.value));
}

}  // namespace sluice::config
