"""Startup parameters, options, what ParameterStatus tells, and how RESET goes back to them."""

from pgwire import Bind, Query, Sync
from script import a, ask, b, theme

script = theme(__name__)

PARAMETERS = {
    "nothing": {}, "application_name": {"application_name": "mine"}, "long_application_name": {"application_name": "x" * 80},
    "odd_application_name": {"application_name": "naïve\tname"}, "empty_application_name": {"application_name": ""},
    "encoding": {"client_encoding": "LATIN1"}, "encoding_quoted": {"client_encoding": "'utf-8'"}, "zone": {"TimeZone": "Asia/Tokyo"},
    "lower_case": {"timezone": "Asia/Tokyo", "datestyle": "german"}, "style": {"DateStyle": "German"}, "path": {"search_path": "two"},
    "path_of_two": {"search_path": "two, public"}, "path_quoted": {"search_path": '"$user", "Odd name"'}, "work_mem": {"work_mem": "9MB"},
    "timeout": {"statement_timeout": "33000"}, "float_digits": {"extra_float_digits": "2"}, "read_only": {"default_transaction_read_only": "on"},
    "placeholder": {"app.tenant": "acme"}, "option": {"options": "-c work_mem=9MB"}, "options": {"options": "-c work_mem=9MB -c search_path=two"},
    "option_close": {"options": "-cwork_mem=9MB"}, "option_long": {"options": "--work_mem=9MB"}, "option_dashes": {"options": "--statement-timeout=33s"},
    "option_escaped": {"options": "-c search_path=two,\\ public"}, "option_spaces": {"options": "   -c   work_mem=9MB  "},
    "option_last_wins": {"options": "-c work_mem=9MB -c work_mem=8MB"}, "option_and_parameter": {"options": "-c work_mem=9MB", "work_mem": "8MB"},
    "option_name": {"options": "-c application_name=of\\ options"}, "option_placeholder": {"options": "-c app.tenant=acme"},
    "option_zone": {"options": "-c TimeZone=Asia/Tokyo"}, "option_equals": {"options": "-c app.tenant=a=b"},
    "several": {"application_name": "mine", "DateStyle": "SQL, DMY", "TimeZone": "UTC", "options": "-c geqo=off"},
    "replication_off": {"replication": "false"}, "role": {"options": "-c role=second"}, "role_parameter": {"role": "second"},
}
SHOWN = ["application_name", "work_mem", "search_path", "TimeZone", "DateStyle", "client_encoding", "statement_timeout"]
SHOW = "; ".join(f"SHOW {name}" for name in SHOWN)
for name, values in PARAMETERS.items():
    script(name, a.login(**values), a(SHOW), a("BEGIN"), a(SHOW), a("COMMIT"), a("SELECT current_user"),
           *([a("SHOW app.tenant")] if "placeholder" in name else []))
    script(f"{name}_reset", a.login(**values), a("SET work_mem = '5MB'; SET search_path = one; SET TimeZone = 'UTC'"),
           a(SHOW), a("RESET ALL"), a(SHOW))
    script(f"{name}_discard", a.login(**values), a("SET work_mem = '5MB'; SET application_name = 'x'"), a("DISCARD ALL"), a(SHOW))
    script(f"{name}_reset_one", a.login(**values), a("SET work_mem = '5MB'"), a("RESET work_mem"), a("SHOW work_mem"), a("SET search_path = one"),
           a("SET search_path TO DEFAULT"), a("SHOW search_path"), a("SHOW work_mem"))
    script(f"{name}_beside_another", a.login(**values), b(SHOW), a(SHOW), b("SELECT * FROM thing"), a(SHOW), b(SHOW))

WRONG = {
    "unknown_parameter": {"no_such_setting": "1"}, "wrong_value": {"work_mem": "much"}, "wrong_encoding": {"client_encoding": "none"},
    "internal": {"server_version": "1"}, "superuser_only": {"log_statement": "all"}, "at_start_only": {"shared_buffers": "1MB"},
    "option_unknown": {"options": "-c no_such_setting=1"}, "option_wrong": {"options": "-c work_mem=much"}, "option_odd": {"options": "nonsense"},
    "option_unfinished": {"options": "-c"}, "unknown_database": {"database": "nowhere"}, "unknown_user": {"user": "nobody_at_all"},
    "unknown_role": {"options": "-c role=nobody_at_all"}, "forbidden_role": {"options": "-c role=chief"}, "wrong_path": {"search_path": '"unclosed'},
    "wrong_zone": {"TimeZone": "Nowhere"}, "empty_user": {"user": ""},
}
for name, values in WRONG.items():
    script(f"refused_{name}", a.login(**values))
    script(f"refused_{name}_then_another", a.login(**values), b("SELECT 1"))
for version in (0x30000, 0x30001, 0x30002, 0x20000, 0x40000):
    script(f"version_{version:x}", a.login(version=version))
script("unknown_protocol_option", a.login(version=0x30000, **{"_pq_.wish": "1"}), a("SELECT 1"))
script("newer_with_protocol_options", a.login(version=0x30003, **{"_pq_.wish": "1", "_pq_.other": ""}), a("SELECT 1"))
# A batch is undone as a whole by an error in it, the RESET of DISCARD ALL with it.
script("discard_all_undone_in_its_batch", a.login(application_name="mine"), a(ask("DISCARD ALL"), Bind(name="none"), Sync), a(SHOW))
# What the server has to say of a packet's names; those of users and databases are cut in silence.
LONG = "n" * 80
NOTED = {
    "in_options": {"options": f"-c application_name={LONG}"}, "quiet": {"application_name": LONG, "options": "-c client_min_messages=warning"},
    "twice": {"application_name": LONG, "options": "-c application_name=short"}, "with_others": {"application_name": LONG, "work_mem": "9MB"},
    "long_path": {"search_path": LONG}, "long_placeholder": {"app.tenant": LONG}, "long_table_method": {"default_table_access_method": LONG},
    "long_role": {"options": f"-c role={LONG}"}, "long_encoding": {"client_encoding": LONG}, "long_tablespace": {"default_tablespace": LONG},
    "long_database": {"database": LONG}, "long_user": {"user": LONG}, "both": {"application_name": LONG, "default_tablespace": "nowhere"},
}
for name, values in NOTED.items():
    script(f"noted_{name}", a.login(**values), a("SHOW application_name"), b("SELECT 1"), a("SELECT 1"))
    script(f"noted_{name}_again", a.login(**values), b.login(**values), a.leaves(), a.login(**values), a("SHOW application_name"),
           b("SET work_mem = '5MB'"), b("DISCARD ALL"), b("SHOW application_name"))
script("noted_same_name_with_others", a.login(application_name=LONG), b.login(application_name=LONG, work_mem="9MB"), a(SHOW), b(SHOW),
       a("SET application_name = 'x'"), b("RESET ALL"), a.leaves(), a.login(application_name=LONG, work_mem="8MB"), a(SHOW))
script("noted_behind_a_quiet_one", a.login(application_name=LONG, options="-c client_min_messages=error"), a.leaves(), a.login(application_name=LONG),
       b.login(application_name=LONG, options="-c client_min_messages=error"))
script("three_logins", a.login(application_name="a"), b.login(application_name="b"), a("SHOW application_name"), b("SHOW application_name"),
       a.leaves(), a.login(application_name="again"), a("SHOW application_name"), b("SHOW application_name"))
script("same_parameters_in_other_order", a.login(work_mem="9MB", TimeZone="UTC"), b.login(TimeZone="UTC", work_mem="9MB"), a(SHOW), b(SHOW))
