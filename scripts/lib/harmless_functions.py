"""PostgreSQL's own functions that leave nothing behind in a session, for the program's table.

The list is what the catalogue has, without what a client cannot call, without the functions
behind operators, which are hardly ever called by name, and without LEAVES below.
"""

import re
import textwrap

VERSION = 15
LIST = "protocol/pg/harmless_function_list.hpp"

# Patterns of whole names: what changes or shows the state of a session, holds something longer
# than its statement, or runs SQL that it is given as text. Whoever is in doubt belongs here: it
# costs a look at the text.
LEAVES = [
    "set_config", "setseed", "pg_(try_)?advisory_.*", "pg_notify", "pg_export_snapshot",
    "nextval", "setval", "currval", "lastval",
    "lo_.*", "loread", "lowrite",
    "(query|cursor|table|schema|database)_to_xml.*", "ts_stat", "ts_rewrite",
    "pg_listening_channels", "pg_prepared_statement", "pg_cursor",
    "pg_backup_.*", "pg_replication_origin_.*", "pg_(create|copy)_.*_replication_slot",
    "binary_upgrade_.*", ".*validat(e|or)", "pg_extension_config_dump",
    "pg_stop_making_pinned_objects",
]

# Functions behind operators that are called by name all the same.
CALLED = ["array_cat", "jsonb_concat", "jsonb_contains", "jsonb_exists", "jsonb_exists_all",
          "jsonb_exists_any", "starts_with"]

CATALOGUE = f"""
COPY (
    SELECT DISTINCT proname COLLATE "C"
    FROM pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace AND oid < 16384
      AND prokind IN ('f', 'a', 'w')
      AND (proname = ANY ('{{{",".join(CALLED)}}}') OR
           coalesce(obj_description(oid, 'pg_proc'), '') NOT LIKE 'implementation of % operator')
      AND NOT EXISTS (
        SELECT FROM pg_type
        WHERE (pg_type.oid = prorettype OR pg_type.oid = ANY (proargtypes::oid[]))
          AND typtype = 'p'
          AND typname ~ '^(internal|cstring|trigger|event_trigger|.*_handler)$')
    ORDER BY 1
) TO STDOUT
"""


def read_catalogue(postgres):
    """The names that a running PostgreSQL has, harmless or not, in the order of their bytes."""
    return postgres.execute(CATALOGUE).split()


def harmless(names):
    leaves = re.compile("|".join(LEAVES))
    return [name for name in names if not leaves.fullmatch(name)]


def rendered(names):
    """The list as a header. One long text: an array of so many would be ten times as long."""
    lines = textwrap.wrap(" ".join(names), 92, break_on_hyphens=False, break_long_words=False)
    rows = "\n".join(f'    "{line} "' for line in lines)
    return f"""#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::pg {{

/// PostgreSQL {VERSION}'s own functions that leave nothing behind in a session, in the order of
/// their bytes, each with a blank behind it. Made by scripts/harmless-functions from a running
/// PostgreSQL; the integration tests make it again and compare.
inline constexpr std::size_t harmless_function_count = {len(names)};
inline constexpr std::string_view harmless_function_list =
{rows};

}}  // namespace sluice::pg
"""
