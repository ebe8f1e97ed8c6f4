"""SET, RESET, SET LOCAL, set_config: in blocks, undone, over lease changes; ParameterStatus."""

from pgwire import Bind, Execute, Parse, Query, Sync
from script import a, again, ask, b, theme

script = theme(__name__)

# Setting, a value, another, an invalid one. The first of each is reported by ParameterStatus or not.
SETTINGS = {
    "work_mem": ("'9MB'", "10240", "'much'"), "search_path": ("two", "one, two", "''"),
    "application_name": ("'mine'", "''", "'" + "x" * 80 + "'"), "TimeZone": ("'Asia/Tokyo'", "-3", "'Nowhere'"),
    "DateStyle": ("'German'", "'SQL, MDY'", "'odd'"), "client_encoding": ("'LATIN1'", "'SQL_ASCII'", "'none'"),
    "standard_conforming_strings": ("off", "on", "'perhaps'"), "IntervalStyle": ("'iso_8601'", "'sql_standard'", "'x'"),
    "statement_timeout": ("'33s'", "0", "-5"), "default_transaction_read_only": ("on", "off", "2"),
    "app.tenant": ("'acme'", "''", "'x'"), "extra_float_digits": ("0", "3", "99"), "bytea_output": ("'escape'", "'hex'", "'x'"),
    "client_min_messages": ("'error'", "'debug1'", "'x'"), "plan_cache_mode": ("'force_generic_plan'", "'auto'", "'x'"),
    "no_such_setting": ("1", "2", "3"), "server_version": ("'1'", "'2'", "'3'"), "max_connections": ("7", "8", "9"),
    "log_statement": ("'all'", "'none'", "'x'"),
}
for name, (one, two, wrong) in SETTINGS.items():
    show = f"SHOW {name}"
    if name == "client_min_messages":
        two = "'warning'"  # Else the server tells of its own doings, which are not the same twice.
    words = name.lower().replace(".", "_")
    script(f"set_{words}", a(f"SET {name} = {one}"), a(show), a("BEGIN"), a(show), a("COMMIT"), a(f"SET {name} TO {two}"),
           a(show), a(f"SET {name} = {wrong}"), a(show), a(f"RESET {name}"), a(show))
    script(f"set_{words}_extended", a(ask(f"SET {name} = {one}"), Sync), a(ask(show), Sync), a(ask(f"SET SESSION {name} = {two}"), Sync),
           a(ask(show), Sync), a(ask(f"SET {name} TO DEFAULT"), Sync), a(ask(show), Sync))
    script(f"set_local_{words}", a(f"SET LOCAL {name} = {one}"), a(show), a("BEGIN"), a(f"SET LOCAL {name} = {one}"), a(show),
           a("COMMIT"), a(show), a("BEGIN"), a(f"SET LOCAL {name} = {two}"), a("ROLLBACK"), a(show))
    script(f"set_rolled_back_{words}", a(f"SET {name} = {one}"), a("BEGIN"), a(f"SET {name} = {two}"), a(show), a("ROLLBACK"),
           a(show), a("BEGIN"), a(f"SET {name} = {two}"), a("COMMIT"), a(show))
    script(f"set_in_a_failed_block_{words}", a("BEGIN"), a(f"SET {name} = {one}"), a("SELECT 1/0"), a("COMMIT"), a(show),
           a(f"SET {name} = {two}"), a(show))
    script(f"set_before_a_savepoint_{words}", a("BEGIN"), a(f"SET {name} = {one}"), a("SAVEPOINT s"), a(f"SET {name} = {two}"),
           a("ROLLBACK TO s"), a(show), a("COMMIT"), a(show))
    script(f"set_config_{words}", a(f"SELECT set_config('{name}', {one if one[0] == chr(39) else repr(one)}, false)"), a(show), a("SELECT 1"),
           a(show), a(f"SELECT set_config('{name}', NULL, false)"), a(show))
    script(f"set_in_a_string_{words}", a(f"SET {name} = {one}; {show}; SELECT 1/0"), a(show), a(f"SET {name} = {one}; {show}"), a(show))
    script(f"set_of_two_{words}", a(f"SET {name} = {one}"), b(show), b(f"SET {name} = {two}"), a(show), b(show), a(f"RESET {name}"), b(show),
           a(show), pins="set")
    script(f"set_then_discard_{words}", a(f"SET {name} = {one}"), a("DISCARD ALL"), a(show), a("SELECT 1"), a(show))
    script(f"set_then_reset_all_{words}", a(f"SET {name} = {one}"), a("RESET ALL"), a(show), a("SELECT 1"), a(show))
    script(f"left_behind_{words}", a(f"SET {name} = {one}"), a.leaves(), b(show), b("BEGIN"), b(show), b("COMMIT"))
    script(f"vanished_with_{words}", a("BEGIN"), a(f"SET {name} = {one}"), a.vanishes(), b(show))

ORDERS = {
    "hidden_in_a_function": ["SELECT quietly('work_mem', '9MB')", "SHOW work_mem", "SELECT 1", "SHOW work_mem", "RESET work_mem", "SHOW work_mem"],
    "hidden_and_rolled_back": ["BEGIN", "SELECT quietly('work_mem', '9MB')", "ROLLBACK", "SHOW work_mem"],
    "hidden_in_do": ["DO $$ BEGIN SET work_mem = '9MB'; END $$", "SHOW work_mem"],
    "function_with_its_own": ["SELECT with_own_path()", "SHOW search_path"],
    "update_of_pg_settings": ["UPDATE pg_settings SET setting = '9216' WHERE name = 'work_mem'", "SHOW work_mem"],
    "set_names": ["SET NAMES 'LATIN1'", "SHOW client_encoding", "SET NAMES DEFAULT", "SHOW client_encoding"],
    "set_time_zone": ["SET TIME ZONE 'Asia/Tokyo'", "SHOW TimeZone", "SET TIME ZONE LOCAL", "SHOW TimeZone", "SET TIME ZONE INTERVAL '-03:00' HOUR TO MINUTE", "SHOW TimeZone"],
    "set_schema": ["SET SCHEMA 'two'", "SHOW search_path", "SELECT * FROM thing"],
    "set_seed": ["SET SEED 0.5", "SELECT random() = random()"],
    "set_xml_option": ["SET XML OPTION DOCUMENT", "SHOW xmloption"],
    "path_decides": ["SELECT * FROM thing", "SET search_path = two", "SELECT * FROM thing", "SET search_path = one", "SELECT * FROM thing", "RESET search_path", "SELECT * FROM thing"],
    "path_odd": ['SET search_path = "$user", "Odd ""name""", public', "SHOW search_path", "SELECT current_schemas(false)"],
    "path_empty": ["SET search_path = ''", "SELECT * FROM thing", "SELECT * FROM public.thing"],
    "show_all_of_one": ["SET work_mem = '9MB'", "SELECT setting, source FROM pg_settings WHERE name = 'work_mem'", "RESET work_mem",
                        "SELECT setting FROM pg_settings WHERE name = 'work_mem'"],
    "placeholder_unknown": ["SHOW app.nothing", "SELECT current_setting('app.nothing', true)"],
    "placeholder_reset": ["SET app.x = '1'", "RESET app.x", "SHOW app.x", "RESET ALL", "SHOW app.x"],
    "set_local_over_set": ["SET work_mem = '5MB'", "BEGIN", "SET work_mem = '6MB'", "SET LOCAL work_mem = '7MB'", "SHOW work_mem", "COMMIT", "SHOW work_mem"],
    "set_over_set_local": ["BEGIN", "SET LOCAL work_mem = '7MB'", "SET work_mem = '6MB'", "SHOW work_mem", "COMMIT", "SHOW work_mem"],
    "local_becomes_of_savepoint": ["BEGIN", "SAVEPOINT s", "SET LOCAL work_mem = '7MB'", "RELEASE s", "SHOW work_mem", "COMMIT", "SHOW work_mem"],
    "reset_rolled_back": ["SET work_mem = '7MB'", "BEGIN", "RESET work_mem", "SHOW work_mem", "ROLLBACK", "SHOW work_mem"],
    "reset_all_rolled_back": ["SET work_mem = '7MB'", "BEGIN", "RESET ALL", "SHOW work_mem", "ROLLBACK", "SHOW work_mem"],
    "discard_kinds": ["SET work_mem = '7MB'", "DISCARD PLANS", "DISCARD SEQUENCES", "DISCARD TEMP", "SHOW work_mem"],
    "status_told_on_rollback": ["BEGIN", "SET application_name = 'x'", "SET TimeZone = 'Asia/Tokyo'", "ROLLBACK"],
    "status_told_on_savepoint": ["BEGIN", "SAVEPOINT s", "SET DateStyle = 'German'", "ROLLBACK TO s", "COMMIT"],
    "status_told_for_local": ["BEGIN", "SET LOCAL TimeZone = 'Asia/Tokyo'", "COMMIT", "SHOW TimeZone"],
    "status_not_told_twice": ["SET application_name = 'x'", "SET application_name = 'x'", "SET application_name = 'y'"],
    "status_of_discard": ["SET application_name = 'x'; SET DateStyle = 'German'", "DISCARD ALL"],
    "chain_keeps_them": ["BEGIN", "SET work_mem = '6MB'", "SET LOCAL search_path = two", "COMMIT AND CHAIN", "SHOW work_mem", "SHOW search_path", "COMMIT"],
    "formats_follow": ["SET DateStyle = 'German'", "SELECT '2026-02-03'::date", "SET IntervalStyle = 'iso_8601'", "SELECT '1 day 2 hours'::interval",
                       "SET bytea_output = 'escape'", "SELECT '\\x6162ff'::bytea", "SET extra_float_digits = 0", "SELECT 1::float8 / 3"],
    "encoding_follows": ["SET client_encoding = 'LATIN1'", "SELECT U&'\\00e9'", "SELECT U&'\\20ac'", "SET client_encoding = 'UTF8'", "SELECT U&'\\20ac'"],
    "many": ["SET work_mem = '6MB'; SET search_path = two; SET DateStyle = 'German'; SET app.x = '1'", "BEGIN; SET work_mem = '7MB'; SET app.x = '2'", "SELECT 1/0",
             "ROLLBACK", "SHOW work_mem", "SHOW app.x", "SELECT * FROM thing", "SELECT '2026-02-03'::date"],
}
for name, steps in ORDERS.items():
    script(name, *(a(sql) for sql in steps))
    script(f"{name}_pipelined", a(*steps))
    script(f"{name}_beside_another", *(step for sql in steps for step in (a(sql), b("SHOW work_mem"))), b("SELECT * FROM thing"),
           pins=("set", "set_config", "placeholder", "hidden_set", "code", "transaction"))
script("set_in_the_middle_of_a_batch", a(ask("SHOW work_mem"), ask("SET work_mem = '9MB'"), ask("SHOW work_mem"), Sync), a("SHOW work_mem"))
script("set_undone_by_its_batch", a(ask("SET work_mem = '9MB'"), ask("SELECT 1/0"), Sync), a("SHOW work_mem"))
script("set_by_a_named_statement", a(Parse("SET work_mem = '9MB'", "s"), Sync), a(again([], "s"), Sync), a("SHOW work_mem"), a("RESET work_mem"),
       a(again([], "s"), Sync), a("SHOW work_mem"))
script("set_config_with_parameters", a(ask("SELECT set_config($1, $2, false)", ["work_mem", "9MB"]), Sync), a("SHOW work_mem"),
       a(ask("SELECT set_config($1, $2, $3)", ["app.x", "1", "f"]), Sync), a("SHOW app.x"))
