#include "config/load.hpp"

#include "config/check.hpp"
#include "config/file_text.hpp"
#include "config/keys.hpp"
#include "config/postgres_url.hpp"
#include "config/redis_url.hpp"
#include "config/toml_document.hpp"
#include "config/users_file.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

namespace sluice::config {

namespace {

constexpr std::uint64_t settings_file_bytes_max = 4ULL * 1024 * 1024;

/// Draws settings together from their sources. Order of calls: read() and assign() in the order
/// in which one wins over the other, then finish() once.
class Loader {
  public:
    Loader(Settings start, const std::string& file) : draft_(begin(std::move(start))) {
        places_.set_file(file);
    }

    void add(std::vector<Problem> problems) {
        std::move(problems.begin(), problems.end(), std::back_inserter(problems_));
    }

    /// For a source of which nothing could be taken over.
    void lose(std::vector<Problem> problems) {
        add(std::move(problems));
        whole_ = false;
    }

    void read(Document document, const std::filesystem::path& folder) {
        add(std::move(document.problems));
        whole_ = whole_ && document.whole;
        read_document(document.root, {problems_, places_, folder}, draft_);
    }

    void assign(std::span<const Assignment> assignments) {
        for (const auto& assignment : assignments)
            read(parse_assignment(assignment), {});
    }

    [[nodiscard]] LoadResult finish(Severity open_trust) && {
        merge_users();
        LoadResult result{complete(std::move(draft_)), std::move(problems_)};
        check_names(result);
        // With a part of the file hidden by a syntax error, what seems to be missing may be there.
        if (whole_) {
            auto more = check(result.settings, places_, open_trust);
            std::move(more.begin(), more.end(), std::back_inserter(result.problems));
        }
        sort(result.problems);
        return result;
    }

  private:
    void merge_users() {
        const auto& path = draft_.settings.postgres.users_file;
        if (path.empty()) return;
        auto file = read_users_file(path);
        if (has_errors(file.problems) || !file.error.empty()) {
            places_.mark_broken("postgres.users_file");
        }
        add(std::move(file.problems));
        if (!file.error.empty()) {
            problems_.push_back(error_at(places_.find("postgres.users_file"),
                                         "postgres.users_file: " + path + " " + file.error));
        }
        const auto star = draft_.users.find("*");
        const UserDraft standard = star == draft_.users.end() ? UserDraft{} : star->second;
        for (auto& listed : file.users) {
            // Who has no section of his own is one of those that `*` stands for.
            auto& user = draft_.users.try_emplace(listed.name, standard).first->second.user;
            const auto key = "postgres.users." + listed.name + ".password";
            if (!user.password.empty() && user.password != listed.secret) {
                problems_.push_back(error_at(
                    places_.find(key), key + ": another secret stands in " + path + ":" +
                                           std::to_string(listed.line) + "; keep one of them"));
            }
            user.password = std::move(listed.secret);
        }
    }

    /// Clients reach the admin console by these names.
    void check_names(LoadResult& result) const {
        for (const std::string name : {"sluice", "pgbouncer"}) {
            if (!result.settings.postgres.databases.contains(name)) continue;
            const auto section = "postgres.databases." + name;
            result.problems.push_back(error_at(
                places_.find(section), "[" + section +
                                           "]: this name is the admin console's; choose another, "
                                           "with dbname = \"" +
                                           name + "\" if backends call it so"));
        }
    }

    /// By line within a file; files in the order in which they came up.
    static void sort(std::vector<Problem>& problems) {
        std::map<std::string, std::size_t> ranks;
        for (const auto& problem : problems)
            ranks.try_emplace(problem.file, ranks.size());
        std::stable_sort(problems.begin(), problems.end(), [&](const Problem& a, const Problem& b) {
            return std::tuple(ranks.at(a.file), a.line, a.column) <
                   std::tuple(ranks.at(b.file), b.line, b.column);
        });
    }

    Draft draft_;
    Places places_;
    std::vector<Problem> problems_;
    bool whole_ = true;
};

}  // namespace

LoadResult load_text(std::string_view text, const std::string& file_name,
                     std::span<const Assignment> assignments) {
    Loader loader(default_settings(), file_name);
    loader.read(parse_toml(text, file_name), std::filesystem::path(file_name).parent_path());
    loader.assign(assignments);
    return std::move(loader).finish(Severity::warning);
}

LoadResult load_file(const std::filesystem::path& path, std::span<const Assignment> assignments) {
    const auto file = read_file(path, settings_file_bytes_max);
    if (file.text) return load_text(*file.text, path.string(), assignments);
    Loader loader(default_settings(), path.string());
    loader.lose({error_at({path.string(), 0, 0}, file.error)});
    loader.assign(assignments);
    return std::move(loader).finish(Severity::warning);
}

LoadResult load_postgres_url(std::string_view url, std::span<const Assignment> assignments) {
    return load_urls(std::string(url), std::nullopt, assignments);
}

LoadResult load_urls(const std::optional<std::string>& postgres,
                     const std::optional<std::string>& redis,
                     std::span<const Assignment> assignments) {
    UrlSettings all{default_settings(), {}};
    if (postgres) {
        all = parse_postgres_url(*postgres);
    } else {
        all.settings.postgres.listen.clear();
    }
    if (redis) {
        auto more = parse_redis_url(*redis, std::move(all.settings));
        all.settings = std::move(more.settings);
        std::move(more.problems.begin(), more.problems.end(), std::back_inserter(all.problems));
    }
    Loader loader(std::move(all.settings), postgres ? "--postgres" : "--redis");
    if (has_errors(all.problems)) {
        loader.lose(std::move(all.problems));
    } else {
        loader.add(std::move(all.problems));
    }
    loader.assign(assignments);
    return std::move(loader).finish(Severity::error);
}

LoadResult load(const CommandLine& command_line) {
    LoadResult result{default_settings(), {}};
    if (command_line.config_file) {
        result = load_file(*command_line.config_file, command_line.assignments);
    } else if (command_line.postgres_url || command_line.redis_url) {
        result =
            load_urls(command_line.postgres_url, command_line.redis_url, command_line.assignments);
    }
    result.problems.insert(result.problems.begin(), command_line.problems.begin(),
                           command_line.problems.end());
    return result;
}

}  // namespace sluice::config
