"""One script for each feature that a pooler may know no better than to keep a backend for: client a
leaves something in its session, b works, and a still has what is its own.

As long as tests/transcript/known.txt names a script of this theme, scripts that use the feature
with several clients are played only where each client can have a backend to itself.
"""

from pgwire import Bind, Describe, Execute, Flush, Parse, Query, Sync
from script import a, again, ask, b, theme

script = theme(__name__)


def feature(name, leave, use):
    script(name, leave, b("SELECT 1"), b("BEGIN"), b("SELECT 2"), b("COMMIT"), use,
           b(ask("SELECT 3"), Sync), use)


feature("set", a("SET work_mem = '9MB'"), a("SHOW work_mem"))
feature("set_config", a("SELECT set_config('work_mem', '9MB', false)"), a("SHOW work_mem"))
feature("placeholder", a("SET app.tenant = 'acme'"), a("SELECT current_setting('app.tenant')"))
feature("role", a("SET ROLE second"), a("SELECT current_user"))
feature("session_authorization", a("SET SESSION AUTHORIZATION app"), a("SELECT session_user"))
feature("named_statement", a(Parse("SELECT $1::int * 2", "double"), Sync),
        a(again([4], "double"), Sync))
feature("unnamed_statement", a(Parse("SELECT $1::int * 2"), Sync), a(again([4]), Sync))
feature("sql_prepare", a("PREPARE double AS SELECT $1::int * 2"), a("EXECUTE double (4)"))
feature("listen", a("LISTEN somewhere"), a("SELECT pg_listening_channels()"))
feature("temporary_table", a("CREATE TEMP TABLE mine AS SELECT 1 AS i"), a("SELECT * FROM mine"))
feature("advisory_lock", a("SELECT pg_advisory_lock(17)"),
        a("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"))
feature("with_hold", a("DECLARE c CURSOR WITH HOLD FOR SELECT n FROM numbers ORDER BY n"),
        a("FETCH 2 FROM c"))
feature("code", a("DO $$ BEGIN PERFORM set_config('work_mem', '9MB', false); END $$"),
        a("SHOW work_mem"))
feature("hidden_prepare", a("DO $$ BEGIN EXECUTE 'PREPARE s AS SELECT 1'; END $$"), a("EXECUTE s"))
feature("hidden_set", a("SELECT quietly('work_mem', '9MB')"), a("SHOW work_mem"))
feature("currval", a("SELECT nextval('counted')"), a("SELECT currval('counted'), lastval()"))
# No pooler can lend one backend to two transactions at once: this one stays known.
script("transaction", a("BEGIN"), b("SELECT 1"), a("COMMIT"))
