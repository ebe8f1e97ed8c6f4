"""One client each, with state of its own: played as they are, and beside every other script."""

from pgwire import Bind, Close, CopyData, CopyDone, Describe, Execute, Flush, Parse, Query, Sync
from script import Letter, again, ask, theme

script = theme(__name__)
d = Letter("d")

script("keeps_settings",
       d("SET search_path = two, public; SET work_mem = '7MB'"), d("SELECT * FROM thing"),
       d("BEGIN"), d("SET LOCAL work_mem = '8MB'"), d("SHOW work_mem"), d("ROLLBACK"),
       d("SHOW work_mem"), d(ask("SELECT * FROM thing"), Sync), d("SET application_name = 'disturber'"),
       d("SHOW application_name"), d("BEGIN"), d("SET work_mem = '9MB'"), d("ROLLBACK"),
       d("SHOW work_mem"), d("SHOW search_path"), d("SELECT * FROM thing"), d("RESET ALL"),
       d("SHOW work_mem"), d("SELECT * FROM thing"), pins="set")
script("keeps_statements",
       d(Parse("SELECT 'disturber', $1::int", "s"), Sync), d(again([1], "s"), Sync),
       d(Parse("SELECT 'disturber x'", "x"), Sync), d(again([], "x"), again([2], "s"), Sync),
       d(Parse("SELECT 2", "s"), Sync), d(Close("S", "s"), Parse("SELECT 'anew'", "s"), Sync),
       d(again([], "s"), Sync), d(Describe("S", "x"), Sync), d(Close("S", "x"), Sync),
       d(again([], "x"), Sync), d(again([], "s"), Sync), pins="named_statement")
script("keeps_sql_statements",
       d("PREPARE s AS SELECT 'disturber of SQL', $1::int"), d("EXECUTE s (1)"),
       d("BEGIN"), d("EXECUTE s (2)"), d("COMMIT"), d("PREPARE x AS SELECT 1"),
       d("DEALLOCATE s"), d("EXECUTE s (3)"), d("EXECUTE x"), d("DEALLOCATE ALL"), d("EXECUTE x"),
       pins="sql_prepare")
script("works",
       d("SELECT count(*) FROM numbers"), d(ask("SELECT $1::int + 1", [1]), Sync),
       d("SHOW search_path"), d("SELECT 1/0"), d(ask("SELECT word FROM numbers WHERE n = $1", [3]), Sync),
       d("BEGIN"), d("SELECT 1"), d("SELECT 1/0"), d("SELECT 2"), d("COMMIT"), d("SHOW work_mem"),
       d(ask("SELECT * FROM thing"), Sync), d("SELECT current_user, session_user"),
       d("SELECT 1/0"), d("SHOW application_name"), d("SELECT * FROM thing"))
script("fails",
       d(Parse("SELEKT", "s"), Bind([], "s"), Execute(), Sync), d("BEGIN; SELECT 1/0"),
       d(again([], "s"), Sync), d("ROLLBACK"), d("EXECUTE s"), d(ask("SELECT 1"), Flush), d(Sync),
       d(Bind([], "x"), Sync), d(Execute(0, "p"), Sync), d("FETCH c"), d("CLOSE c"),
       pins="named_statement")
script("reads_by_portals",
       d("BEGIN"), d(Parse("SELECT generate_series(1, 7)"), Bind([], portal="p"), Execute(2, "p"), Sync),
       d(Execute(2, "p"), Sync), d("SELECT 'between'"), d(Execute(9, "p"), Sync), d("COMMIT"),
       d("BEGIN"), d("DECLARE c CURSOR FOR SELECT word FROM numbers ORDER BY n"), d("FETCH 2 FROM c"),
       d("FETCH 1 FROM c"), d("COMMIT"), d("FETCH 1 FROM c"))
script("reads_and_writes",
       d("BEGIN"), d("INSERT INTO plain VALUES (77)"), d("ROLLBACK"), d(ask("SELECT 1"), Flush), d(Sync),
       d("COPY (SELECT n FROM numbers ORDER BY n LIMIT 2) TO STDOUT"),
       d("BEGIN; SET LOCAL search_path = two"), d("SELECT * FROM thing"), d("COMMIT"), d("SELECT * FROM thing"),
       d("SELECT 1/0; SELECT 2"), d("SELECT 1; BEGIN"), d("SELECT 2"), d("COMMIT"), d(Sync, Sync))
script("copies",
       d("BEGIN; CREATE TEMP TABLE mine (i int) ON COMMIT DROP"), d("COPY mine FROM STDIN"),
       d(CopyData(b"1\n2\n"), CopyDone), d("SELECT sum(i) FROM mine"), d("COMMIT"),
       d("COPY (SELECT n FROM numbers ORDER BY n LIMIT 2) TO STDOUT"), d("SHOW TimeZone"),
       d(Query("SELECT 1"), Query("SELECT 2"), Query("SELECT 3")), pins="temporary_table")
script("logs_in_with_settings",
       d.login(application_name="of its own", options="-c work_mem=6MB -c search_path=one"),
       d("SHOW work_mem"), d("SELECT * FROM thing"), d("SHOW application_name"),
       d("SET work_mem = '7MB'"), d("RESET work_mem"), d("SHOW work_mem"), pins="set")
