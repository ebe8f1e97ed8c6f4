"""LISTEN, UNLISTEN, NOTIFY: one's own, another's, in blocks that fail."""

from pgwire import Query, Sync
from script import a, ask, b, c, theme

script = theme(__name__)
PINS = "listen"

ORDERS = {
    "own": ["LISTEN x", "NOTIFY x", "NOTIFY x, 'payload'", "UNLISTEN x", "NOTIFY x"],
    "own_in_a_block": ["LISTEN x", "BEGIN", "NOTIFY x, '1'", "SELECT 1", "COMMIT", "SELECT 2"],
    "own_rolled_back": ["LISTEN x", "BEGIN", "NOTIFY x", "ROLLBACK", "SELECT 1"],
    "listen_rolled_back": ["BEGIN", "LISTEN x", "ROLLBACK", "NOTIFY x", "SELECT pg_listening_channels()"],
    "listen_in_a_block": ["BEGIN", "LISTEN x", "NOTIFY x", "COMMIT", "NOTIFY x"],
    "twice": ["LISTEN x", "LISTEN x", "NOTIFY x", "UNLISTEN x", "NOTIFY x"],
    "several": ["LISTEN x", "LISTEN y", "NOTIFY y", "NOTIFY x", "UNLISTEN *", "NOTIFY x", "SELECT pg_listening_channels()"],
    "duplicates_are_one": ["LISTEN x", "BEGIN; NOTIFY x; NOTIFY x; NOTIFY x, 'b'; NOTIFY x; COMMIT"],
    "pg_notify": ["LISTEN x", "SELECT pg_notify('x', 'by function')", "SELECT pg_notify('', 'none')", "SELECT pg_notify('X', 'case')"],
    "quoted": ['LISTEN "X y"', 'NOTIFY "X y"', "SELECT pg_notify('X y', '')", "SELECT pg_listening_channels()"],
    "discarded": ["LISTEN x", "DISCARD ALL", "NOTIFY x"],
    "unlisten_unknown": ["UNLISTEN nothing", "UNLISTEN *"],
    "unlisten_rolled_back": ["LISTEN x", "BEGIN", "UNLISTEN x", "ROLLBACK", "NOTIFY x"],
    "failed_block": ["LISTEN x", "BEGIN", "NOTIFY x", "SELECT 1/0", "COMMIT"],
    "too_long": [f"LISTEN {'x' * 80}", f"NOTIFY {'x' * 63}", f"NOTIFY x, '{'y' * 8000}'"],
    "unlisten_then_listen": ["LISTEN x", "BEGIN", "UNLISTEN x", "LISTEN y", "COMMIT", "SELECT pg_listening_channels()", "NOTIFY x", "NOTIFY y"],
    "unlisten_all_then_listen": ["LISTEN x", "BEGIN", "UNLISTEN *", "LISTEN y", "COMMIT", "SELECT pg_listening_channels()", "NOTIFY x", "NOTIFY y"],
    "unlisten_behind_a_savepoint": ["LISTEN x", "BEGIN", "SAVEPOINT s", "LISTEN y", "ROLLBACK TO s", "UNLISTEN x", "LISTEN z", "COMMIT",
                                    "SELECT pg_listening_channels()", "NOTIFY x", "NOTIFY y", "NOTIFY z"],
    "unlisten_before_a_savepoint": ["LISTEN x", "BEGIN", "UNLISTEN x", "SAVEPOINT s", "LISTEN y", "ROLLBACK TO s", "LISTEN z", "COMMIT",
                                    "SELECT pg_listening_channels()", "NOTIFY x", "NOTIFY y", "NOTIFY z"],
    "unlisten_and_notify": ["LISTEN x", "UNLISTEN x; NOTIFY x", "SELECT 1", "LISTEN x", "BEGIN; NOTIFY x, 'b'; UNLISTEN x; COMMIT", "SELECT 2",
                            "LISTEN x", "UNLISTEN *; LISTEN y; NOTIFY x; NOTIFY y", "SELECT pg_listening_channels()"],
    "nobody_listens": ["NOTIFY x", "NOTIFY x, 'y'"],
}
for name, steps in ORDERS.items():
    script(name, *(a(sql) for sql in steps))
    script(f"{name}_extended", *(a(ask(sql), Sync) if ";" not in sql else a(sql) for sql in steps))
    script(f"{name}_named", *(a(ask(sql, name=f"s{n}"), Sync) if ";" not in sql else a(sql) for n, sql in enumerate(steps)))
    script(f"{name}_pipelined", a(*steps))
    script(f"{name}_beside_another", *(step for sql in steps for step in (a(sql), b("SELECT 'b'"))), pins=(PINS, "transaction"))
script("of_another", a("LISTEN x"), b("NOTIFY x, 'hello'"), a.hears(1), a("SELECT 1"), pins=PINS)
script("of_another_in_a_block", a("LISTEN x"), b("BEGIN"), b("NOTIFY x, 'hello'"), a("SELECT 'not yet'"), b("COMMIT"), a.hears(1),
       a("SELECT 1"), pins=(PINS, "transaction"))
script("of_another_rolled_back", a("LISTEN x"), b("BEGIN; NOTIFY x; ROLLBACK"), a("SELECT 1"), pins=PINS)
script("heard_behind_the_block", a("LISTEN x"), a("BEGIN"), b("NOTIFY x, 'hello'"), a("SELECT 1"), a("COMMIT"), pins=(PINS, "transaction"))
script("two_listeners", a("LISTEN x"), b("LISTEN x"), c("NOTIFY x, 'to all'"), a.hears(1), b.hears(1), a("UNLISTEN x"), c("NOTIFY x, 'to one'"),
       b.hears(1), a("SELECT 1"), pins=PINS)
script("each_other", a("LISTEN x"), b("LISTEN x"), a("NOTIFY x, 'from a'"), b.hears(1), b("NOTIFY x, 'from b'"), a.hears(1), pins=PINS)
script("many", a("LISTEN x"), b(*(f"NOTIFY x, '{n}'" for n in range(50))), a.hears(50), a("SELECT 1"), pins=PINS)
script("listener_left", a("LISTEN x"), a.leaves(), b("NOTIFY x"), b("SELECT pg_listening_channels()"))
script("listener_vanished", a("LISTEN x"), a.vanishes(), b("NOTIFY x"), b("SELECT pg_listening_channels()"))
