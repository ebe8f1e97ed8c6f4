# libpg_query, PostgreSQL's grammar as a library. Its package has no file for pkg-config.
#
# Defines PgQuery::PgQuery. The header says which PostgreSQL's grammar it is.
find_path(PgQuery_INCLUDE_DIR pg_query.h)
find_library(PgQuery_LIBRARY pg_query)
if(PgQuery_INCLUDE_DIR)
    file(STRINGS ${PgQuery_INCLUDE_DIR}/pg_query.h PgQuery_VERSION
        REGEX "^#define PG_MAJORVERSION \"[0-9]+\"")
    string(REGEX REPLACE ".*\"([0-9]+)\".*" "\\1" PgQuery_VERSION "${PgQuery_VERSION}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(PgQuery
    REQUIRED_VARS PgQuery_LIBRARY PgQuery_INCLUDE_DIR VERSION_VAR PgQuery_VERSION)

if(PgQuery_FOUND AND NOT TARGET PgQuery::PgQuery)
    add_library(PgQuery::PgQuery UNKNOWN IMPORTED)
    set_target_properties(PgQuery::PgQuery PROPERTIES
        IMPORTED_LOCATION ${PgQuery_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${PgQuery_INCLUDE_DIR})
endif()
mark_as_advanced(PgQuery_INCLUDE_DIR PgQuery_LIBRARY)
