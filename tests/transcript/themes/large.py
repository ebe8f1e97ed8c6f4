"""Large messages in both directions."""

from pgwire import Bind, Execute, Parse, Query, Sync, Flush
from script import a, again, ask, b, theme

script = theme(__name__)

for size in (8000, 8192, 16384, 65535, 65536, 300000, 2000000):
    text = "x" * size
    script(f"query_{size}", a(f"SELECT length('{text}')"), a("SELECT 1"))
    script(f"result_{size}", a(f"SELECT repeat('y', {size})"), a("SELECT 1"))
    script(f"parameter_{size}", a(ask("SELECT length($1)", [text]), Sync), a("SELECT 1"))
    script(f"both_{size}", a(ask("SELECT $1::text", [text]), Sync, ask("SELECT $1::text || 'z'", [text]), Sync, "SELECT 1"))
    script(f"parse_{size}", a(Parse(f"SELECT length('{text}')", "s"), Sync), a(again([], "s"), Sync), a(again([], "s"), Sync))
    script(f"error_{size}", a(f"SELECT '{text}'::int"), a("SELECT 1"))
    script(f"syntax_error_{size}", a(f"SELECT /* {text} */ FROM FROM"), a("SELECT 1"))
script("many_rows", a("SELECT n, repeat('r', 50) FROM generate_series(1, 3000) n"), a("SELECT 1"))
script("many_rows_of_two", a("SELECT generate_series(1, 3000)", waits=False), b("SELECT generate_series(1, 3000)", waits=False), a("SELECT 1"), b("SELECT 2"))
script("many_columns", a("SELECT " + ", ".join(f"{n} AS c{n}" for n in range(1600))))
script("many_parameters", a(ask("SELECT " + " + ".join(f"${n}::int" for n in range(1, 2001)), [1] * 2000), Sync))
script("many_results_of_one_string", a("; ".join(f"SELECT {n}" for n in range(500))))
script("name_of_statement", a(Parse("SELECT 1", "n" * 5000), Sync), a(again([], "n" * 5000), Sync))
script("name_of_portal", a(Parse("SELECT 1"), Bind(portal="n" * 5000), Execute(0, "n" * 5000), Sync))
script("not_read_at_once", a(*(["SELECT repeat('z', 100000)"] * 20)), a("SELECT 1"))
