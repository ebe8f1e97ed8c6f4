"""Transactions: blocks, failures, savepoints, chains, and strings that hold several."""

from pgwire import Query, Sync
from script import a, ask, b, theme

script = theme(__name__)

SHOW = "SHOW transaction_read_only; SHOW transaction_isolation"
ISOLATION = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "READ ONLY", "READ WRITE, ISOLATION LEVEL SERIALIZABLE"]

for begin in ("BEGIN", "START TRANSACTION", "BEGIN WORK", "begin transaction", "/* c */ BEGIN;"):
    for end in ("COMMIT", "ROLLBACK", "END", "ABORT"):
        script(f"{begin}_{end}".replace(" ", "_").replace("/*_c_*/_", "comment_").strip(";").replace(";", "").lower(),
               a(begin), a("INSERT INTO plain VALUES (1)"), a(end), a("SELECT count(*) FROM plain"))
for words in ISOLATION:
    name = words.replace(",", "").replace(" ", "_").lower()
    level = words if "READ ONLY" in words or "WRITE" in words else f"ISOLATION LEVEL {words}"
    script(f"begin_{name}", a(f"BEGIN {level}"), a(SHOW), a("COMMIT"), a(SHOW))
    script(f"set_transaction_{name}", a("BEGIN"), a(f"SET TRANSACTION {level}"), a(SHOW), a("COMMIT"), a(SHOW))
    script(f"session_characteristics_{name}", a(f"SET SESSION CHARACTERISTICS AS TRANSACTION {level}"),
           a(SHOW), b(SHOW), a(SHOW), pins="set")

for end in ("COMMIT", "ROLLBACK", "COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "ROLLBACK TO SAVEPOINT s",
            "RELEASE s", "PREPARE TRANSACTION 'p'", "SELECT 1", "", ";", "BEGIN", "SAVEPOINT t", "SHOW work_mem"):
    name = end.replace(" ", "_").replace("'", "").replace(";", "semicolon").lower() or "empty"
    script(f"failed_then_{name}", a("BEGIN"), a("SAVEPOINT s"), a("SELECT 1/0"), a(end), a("SELECT 2"),
           a("ROLLBACK"), a("SELECT 3"))
    script(f"failed_then_{name}_extended", a("BEGIN"), a("SAVEPOINT s"), a(ask("SELECT 1/0"), Sync),
           a(ask(end), Sync), a(ask("SELECT 2"), Sync), a(ask("ROLLBACK"), Sync), a("SELECT 3"))

ORDERS = {
    "begin_twice": ["BEGIN", "BEGIN", "COMMIT", "COMMIT"],
    "commit_outside": ["COMMIT", "ROLLBACK", "SELECT 1"],
    "chain_outside": ["COMMIT AND CHAIN", "SELECT 1"],
    "commit_and_chain": ["BEGIN ISOLATION LEVEL SERIALIZABLE", "COMMIT AND CHAIN", SHOW, "SELECT 1/0",
                         "ROLLBACK AND CHAIN", SHOW, "COMMIT", SHOW],
    "commit_and_no_chain": ["BEGIN", "COMMIT AND NO CHAIN", "SELECT 1"],
    "savepoints": ["BEGIN", "SAVEPOINT a", "INSERT INTO plain VALUES (1)", "SAVEPOINT a",
                   "INSERT INTO plain VALUES (2)", "ROLLBACK TO a", "RELEASE a", "ROLLBACK TO a",
                   "SELECT count(*) FROM plain", "COMMIT"],
    "savepoint_unknown": ["BEGIN", "ROLLBACK TO nothing", "COMMIT", "SELECT 1"],
    "release_unknown": ["BEGIN", "RELEASE nothing", "COMMIT"],
    "prepare_transaction": ["BEGIN", "INSERT INTO plain VALUES (1)", "PREPARE TRANSACTION 'x'", "SELECT 1"],
    "begin_in_a_string": ["SELECT 1; BEGIN; SELECT 2", "SELECT 3", "COMMIT"],
    "begin_and_commit_in_a_string": ["BEGIN; SELECT 1; COMMIT; SELECT 2", "SELECT 3"],
    "commit_in_a_string": ["BEGIN", "SELECT 1; COMMIT; SELECT 2; BEGIN; SELECT 3", "ROLLBACK"],
    "two_in_a_string": ["BEGIN; SELECT 1; COMMIT; BEGIN; SELECT 1/0; COMMIT", "COMMIT", "SELECT 1"],
    "commit_then_error": ["BEGIN; INSERT INTO plain VALUES (1); COMMIT; SELECT 1/0", "SELECT * FROM plain"],
    "implicit_is_undone": ["INSERT INTO plain VALUES (1); SELECT 1/0", "SELECT * FROM plain"],
    "commit_in_implicit": ["INSERT INTO plain VALUES (1); COMMIT; SELECT 1/0", "SELECT * FROM plain"],
    "rollback_in_implicit": ["INSERT INTO plain VALUES (1); ROLLBACK; SELECT * FROM plain", "SELECT 1"],
    "savepoint_in_implicit": ["SELECT 1; SAVEPOINT s; SELECT 2", "SELECT 3"],
    "failed_commit": ["BEGIN", "INSERT INTO child VALUES (7)", "COMMIT", "SELECT 1"],
    "deferred_and_immediate": ["BEGIN", "SET CONSTRAINTS ALL DEFERRED", "INSERT INTO child VALUES (7)",
                               "SET CONSTRAINTS ALL IMMEDIATE", "COMMIT"],
    "procedure_commits": ["CALL commits()", "SELECT count(*) FROM plain"],
    "procedure_commits_in_a_block": ["BEGIN", "CALL commits()", "COMMIT", "SELECT count(*) FROM plain"],
    "do_commits": ["DO $$ BEGIN INSERT INTO plain VALUES (1); COMMIT; RAISE EXCEPTION 'late'; END $$",
                   "SELECT count(*) FROM plain"],
    "read_only_refuses": ["BEGIN READ ONLY", "INSERT INTO plain VALUES (1)", "ROLLBACK", "SELECT 1"],
    "set_transaction_outside": ["SET TRANSACTION READ ONLY", "SELECT 1"],
    "set_transaction_too_late": ["BEGIN", "SELECT 1", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "ROLLBACK"],
    "snapshot": ["BEGIN ISOLATION LEVEL REPEATABLE READ", "SET TRANSACTION SNAPSHOT 'nonsense'", "ROLLBACK"],
    "large_block": ["BEGIN", *(f"INSERT INTO plain VALUES ({n})" for n in range(20)), "COMMIT",
                    "SELECT sum(i) FROM plain"],
}
for name, steps in ORDERS.items():
    script(name, *(a(sql) for sql in steps))
    script(f"{name}_pipelined", a(*steps))
    if not any(";" in sql for sql in steps):
        script(f"{name}_extended", *(a(ask(sql), Sync) for sql in steps))
        script(f"{name}_extended_pipelined", a(*(ask(sql) + Sync for sql in steps)))

script("implicit_block_of_extended", a(ask("INSERT INTO plain VALUES (1)"), ask("SELECT 1/0"), Sync),
       a("SELECT count(*) FROM plain"))
script("begin_in_a_batch", a(ask("BEGIN"), ask("INSERT INTO plain VALUES (1)"), Sync), a("SELECT 1"),
       a(ask("COMMIT"), ask("SELECT 2"), Sync))
script("whole_block_in_a_batch", a(ask("BEGIN"), ask("INSERT INTO plain VALUES (1)"), ask("COMMIT"),
                                   ask("SELECT 1/0"), Sync), a("SELECT count(*) FROM plain"))
script("two_clients_at_once", a("BEGIN"), b("SELECT 1"), a("INSERT INTO plain VALUES (1)"),
       b("SELECT count(*) FROM plain"), a("COMMIT"), b("SELECT count(*) FROM plain"), pins="transaction")
script("two_blocks_at_once", a("BEGIN"), b("BEGIN"), a("INSERT INTO plain VALUES (1)"),
       b("SELECT count(*) FROM plain"), b("COMMIT"), a("COMMIT"), pins="transaction")
script("serialization_failure", a("BEGIN ISOLATION LEVEL SERIALIZABLE"), b("BEGIN ISOLATION LEVEL SERIALIZABLE"),
       a("SELECT sum(i) FROM plain"), b("SELECT sum(i) FROM plain"), a("INSERT INTO plain VALUES (1)"),
       b("INSERT INTO plain VALUES (2)"), a("COMMIT"), b("COMMIT"), b("SELECT 1"), pins="transaction")
# The lock is held until the timeout is long over.
script("lock_timeout", a("BEGIN"), a("LOCK TABLE plain"), b("BEGIN; SET LOCAL lock_timeout = '20ms'"),
       b("LOCK TABLE plain"), a("SELECT pg_sleep(0.5)"), b("ROLLBACK"), a("COMMIT"), pins="transaction")
script("nowait", a("BEGIN"), a("SELECT * FROM parent FOR UPDATE"), b("SELECT * FROM parent FOR UPDATE NOWAIT"),
       b("SELECT * FROM parent FOR UPDATE SKIP LOCKED"), a("ROLLBACK"), pins="transaction")
script("statement_timeout", a("BEGIN; SET LOCAL statement_timeout = '20ms'"), a("SELECT pg_sleep(5)"),
       a("ROLLBACK"), a("SELECT 1"))
