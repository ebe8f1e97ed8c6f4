"""SET ROLE and SET SESSION AUTHORIZATION, and what they let through."""

from pgwire import Parse, Query, Sync
from script import a, again, ask, b, theme

script = theme(__name__)

WHO = "SELECT current_user, session_user"
ORDERS = {
    "set": ["SET ROLE second", WHO, "SELECT * FROM private", "RESET ROLE", WHO, "SELECT * FROM private"],
    "none": ["SET ROLE second", "SET ROLE NONE", WHO, "SHOW role"],
    "quoted": ["SET ROLE 'second'", WHO, 'SET ROLE "second"', WHO],
    "by_name": ["SET role = second", WHO, "SET role TO DEFAULT", WHO],
    "set_config": ["SELECT set_config('role', 'second', false)", WHO, "SELECT set_config('role', 'none', false)", WHO],
    "local": ["BEGIN", "SET LOCAL ROLE second", WHO, "COMMIT", WHO],
    "rolled_back": ["BEGIN", "SET ROLE second", WHO, "ROLLBACK", WHO],
    "kept": ["BEGIN", "SET ROLE second", "COMMIT", WHO, "SELECT * FROM private"],
    "failed_block": ["BEGIN", "SET ROLE second", "SELECT 1/0", "COMMIT", WHO],
    "savepoint": ["BEGIN", "SAVEPOINT s", "SET ROLE second", "ROLLBACK TO s", WHO, "COMMIT"],
    "forbidden": ["SET ROLE third", WHO, "SET ROLE chief", "SET ROLE nobody_at_all"],
    "reset_all_keeps_it": ["SET ROLE second", "RESET ALL", WHO],
    "discarded": ["SET ROLE second", "DISCARD ALL", WHO],
    "session_authorization": ["SET SESSION AUTHORIZATION app", WHO, "SET SESSION AUTHORIZATION second", WHO, "RESET SESSION AUTHORIZATION", WHO],
    "session_authorization_default": ["SET SESSION AUTHORIZATION DEFAULT", WHO],
    "owner_of_what_is_made": ["SET ROLE second", "CREATE TABLE made (i int)", "RESET ROLE", "SELECT tableowner FROM pg_tables WHERE tablename = 'made'", "DROP TABLE made"],
    "role_and_path": ["SET ROLE second; SET search_path = two", WHO, "SELECT * FROM thing", "RESET ROLE", "SELECT * FROM thing"],
}
for name, steps in ORDERS.items():
    script(name, *(a(sql) for sql in steps))
    script(f"{name}_pipelined", a(*steps))
    script(f"{name}_extended", *(a(ask(sql), Sync) if ";" not in sql else a(sql) for sql in steps))
    script(f"{name}_beside_another", *(step for sql in steps for step in (a(sql), b(WHO))),
           pins=("role", "session_authorization", "set", "set_config", "transaction"))
    script(f"{name}_then_gone", *(a(sql) for sql in steps[:2]), a.leaves(), b(WHO), b("SELECT * FROM private"))
# A superuser may become anybody.
for name, steps in {"chief": ["SET SESSION AUTHORIZATION app", WHO, "SHOW is_superuser", "RESET SESSION AUTHORIZATION", WHO],
                    "chief_rolled_back": ["BEGIN", "SET SESSION AUTHORIZATION app", "ROLLBACK", WHO],
                    "chief_local": ["BEGIN", "SET LOCAL SESSION AUTHORIZATION second", WHO, "COMMIT", WHO],
                    "chief_and_role": ["SET SESSION AUTHORIZATION app", "SET ROLE second", WHO, "RESET ROLE", WHO, "RESET ALL", WHO],
                    "chief_discarded": ["SET SESSION AUTHORIZATION app", "DISCARD ALL", WHO]}.items():
    script(name, a.login(user="chief"), *(a(sql) for sql in steps))
    script(f"{name}_beside_another", a.login(user="chief"), b.login(user="chief"), *(step for sql in steps for step in (a(sql), b(WHO))),
           pins=("session_authorization", "role", "transaction"))
script("same_text_other_role", a(Parse("SELECT current_user", "s"), Sync), a(again([], "s"), Sync), a("SET ROLE second"), a(again([], "s"), Sync),
       a(ask("SELECT * FROM private"), Sync), a("RESET ROLE"), a(again([], "s"), Sync), a(ask("SELECT * FROM private"), Sync))
