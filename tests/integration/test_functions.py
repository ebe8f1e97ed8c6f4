"""The tables by which the scanner of SQL words tells calls: what PostgreSQL itself says."""

import os
import re

import harmless_functions
from case import case
from rig import Skipped

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(path):
    with open(os.path.join(ROOT, path)) as file:
        return file.read()


def same_version_only(rig):
    version = int(rig.postgres.rows("SHOW server_version_num")[0][0]) // 10000
    if version != harmless_functions.VERSION:
        raise Skipped(f"the tables are those of PostgreSQL {harmless_functions.VERSION}")


@case
def the_harmless_functions_are_those_of_the_catalogue(rig):
    same_version_only(rig)
    names = harmless_functions.harmless(harmless_functions.read_catalogue(rig.postgres))
    assert harmless_functions.rendered(names) == read(harmless_functions.LIST), \
        "scripts/harmless-functions makes another list"


@case
def what_is_left_out_of_them_exists(rig):
    same_version_only(rig)
    names = harmless_functions.read_catalogue(rig.postgres)
    for pattern in harmless_functions.LEAVES:
        assert any(re.fullmatch(pattern, name) for name in names), f"no function is {pattern}"
    missing = set(harmless_functions.CALLED) - set(names)
    assert not missing, f"no functions: {missing}"


@case
def the_keywords_are_those_that_name_no_function(rig):
    same_version_only(rig)
    rows = rig.postgres.rows("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'C')")
    table = re.search(r"keyword_list =(.*?);", read("protocol/pg/sql_names.cpp"), re.DOTALL)[1]
    listed = set(" ".join(re.findall(r'"([^"]*)"', table)).split())
    more = {"by", "conflict", "cube", "ilike", "join", "like", "rollup", "sets"}
    assert listed == {row[0] for row in rows} | more, listed ^ ({row[0] for row in rows} | more)
