#include "server/sql/statement_parser.hpp"

#include "server/sql/fact_writer.hpp"
#include "server/sql/tree.hpp"
#include "server/sql/tree_reader.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>

#include <pg_query.h>

#include <memory>

namespace sluice::sql {
namespace {

struct FreeResult {
    void operator()(PgQueryParseResult* result) const noexcept {
        pg_query_free_parse_result(*result);
    }
};

}  // namespace

// The tree comes as JSON because that is the cheaper of libpg_query's two forms: 3 us for a short
// SELECT where protobuf takes 14, which it then takes 4 more to unpack.
pg::StatementFacts StatementParser::parse(std::string_view text) {
    using pg::ReadingEnd;
    if (text.size() > text_bytes_max) return pg::unread_facts(ReadingEnd::too_long);
    if (text.find('\0') != std::string_view::npos) return pg::unread_facts(ReadingEnd::zero_byte);
    text_.assign(text);
    PgQueryParseResult result = pg_query_parse(text_.c_str());
    const std::unique_ptr<PgQueryParseResult, FreeResult> freed(&result);
    if (result.error != nullptr || result.parse_tree == nullptr)
        return pg::unread_facts(ReadingEnd::not_parsed);

    boost::json::monotonic_resource memory(tree_memory_.data(), tree_memory_.size());
    boost::json::parse_options options;
    options.max_depth = depth_max;
    options.allow_invalid_utf8 = true;  // Strings are passed on as they came.
    boost::json::error_code error;
    const boost::json::value tree = boost::json::parse(result.parse_tree, error, &memory, options);
    if (error) {
        return pg::unread_facts(error == boost::json::error::too_deep ? ReadingEnd::too_deep
                                                                      : ReadingEnd::not_parsed);
    }
    const Node* const root = tree.if_object();
    if (root == nullptr) return pg::unread_facts(ReadingEnd::not_parsed);
    pg::StatementFacts facts;
    FactWriter writer(facts, text);
    TreeReader(writer).read(*root);
    // The only statement stands where the text does.
    if (facts.statements.size() == 1) {
        facts.statements.front().begin = 0;
        facts.statements.front().bytes = 0;
    }
    return facts;
}

}  // namespace sluice::sql
