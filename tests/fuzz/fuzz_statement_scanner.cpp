// SQL text: what a scanner finds must not depend on the pieces in which it comes, but that a
// function may be known only where its name and its parenthesis are in one.

#include "protocol/assert.hpp"
#include "protocol/pg/statement_features.hpp"

#include <cstddef>
#include <cstdint>

namespace {

bool equal_or_more_careful(sluice::pg::Feature pieces, sluice::pg::Feature whole) {
    using sluice::pg::Feature;
    return pieces == whole || pieces == (whole | Feature::unknown_function);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace sluice;
    constexpr std::byte zero{0};
    const wire::Bytes text(reinterpret_cast<const std::byte*>(bytes), size);
    pg::StatementScanner whole;
    whole.feed(text);
    whole.feed({&zero, 1});

    pg::StatementScanner single;
    for (std::size_t at = 0; at < size; ++at)
        single.feed(text.subspan(at, 1));
    single.feed({&zero, 1});
    SLUICE_ASSERT(equal_or_more_careful(single.features(), whole.features()));

    for (std::size_t cut = 0; cut < size && cut < 64; ++cut) {
        pg::StatementScanner halves;
        halves.feed(text.first(cut));
        halves.feed(text.subspan(cut));
        halves.feed({&zero, 1});
        SLUICE_ASSERT(equal_or_more_careful(halves.features(), whole.features()));
    }
    return 0;
}
