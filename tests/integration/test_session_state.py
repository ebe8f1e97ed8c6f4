"""What clients leave in their sessions follows them, or keeps their backend until it is gone."""

from case import case
from pgwire import Bind, Execute, Parse, Query, Sync, extended, fields_of
from test_modes import OWN_PID, is_clean


@case
def settings_follow_a_client_that_shares_its_backend(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("SET work_mem = '9MB'; SET my.tenant = 'acme'; SET ROLE app")
        for _ in range(3):
            assert other.value("SHOW work_mem") == "4MB"
            assert other.value("SELECT current_setting('my.tenant', true)") in (None, "")
            assert client.value("SHOW work_mem") == "9MB"
            assert client.value("SHOW my.tenant") == "acme"
            assert client.value("SHOW role") == "app" and other.value("SHOW role") == "none"
        client.query("BEGIN; SET work_mem = '8MB'")
        client.query("ROLLBACK")
        is_clean(other)
        assert client.value("SHOW work_mem") == "9MB"
        assert sluice.metric("pool_pins_total") == 0
        client.end()
        assert other.value("SHOW work_mem") == "4MB"
        other.end()


@case
def the_same_texts_need_one_question(rig):
    with rig.sluice(pool_size=2) as sluice:
        for _ in range(5):
            client = sluice.connect()
            client.query("SET work_mem = '9MB'")
            client.ask(Parse("SET TimeZone = 'Asia/Tokyo'"), Bind(), Execute(), Sync)
            assert client.value("SHOW work_mem") == "9MB"
            assert client.value("SHOW TimeZone") == "Asia/Tokyo"
            client.end()
        assert sluice.metric("pool_session_questions_total", result="answered") == 2
        assert sluice.metric("pool_session_questions_total", result="remembered") == 8


@case
def what_ends_with_its_transaction_needs_no_question(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        client.query("BEGIN; SET LOCAL work_mem = '9MB'; COMMIT")
        client.execute("SELECT set_config('my.tenant', $1, true)", "acme")
        client.query("SELECT pg_advisory_xact_lock(5), lower('X'), count(*) FROM notes")
        assert sluice.metric("pool_session_questions_total", result="answered") == 0
        client.end()


@case
def a_pin_ends_when_what_it_is_for_is_gone(rig):
    pairs = [("CREATE TEMP TABLE mine (a int)", "DROP TABLE mine", "temporary_table"),
             ("SELECT pg_advisory_lock(17)", "SELECT pg_advisory_unlock(17)", "advisory_lock"),
             ("DECLARE mine CURSOR WITH HOLD FOR SELECT 1", "CLOSE mine", "with_hold"),
             ("CREATE TEMP TABLE mine (a int)", "DISCARD ALL", "temporary_table"),
             ("SELECT pg_advisory_lock(17)", "DISCARD ALL", "advisory_lock")]
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        for begin, end, reason in pairs:
            client.query(begin)
            sluice.wait_metric("pool_pinned_clients", 1)
            other.send(Query(OWN_PID))
            sluice.wait_metric("pool_waiting_clients", 1)
            client.query("SELECT 1")
            assert not other.has_input(), begin
            client.query(end)
            assert other.answer().rows, end
            sluice.wait_metric("pool_pinned_clients", 0)
            assert sluice.metric("pool_pinned_seconds_total", reason=reason) > 0, reason
        for sql in ("BEGIN; CREATE TEMP TABLE mine (a int); ROLLBACK",
                    "BEGIN; CREATE TEMP TABLE mine (a int) ON COMMIT DROP; COMMIT"):
            client.query(sql)
            is_clean(other)
        sluice.wait_metric("pool_pinned_clients", 0)
        client.end()
        other.end()


@case
def what_a_function_does_inside_is_asked_for_until_it_is_known(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("CREATE FUNCTION it_does_nothing() RETURNS int LANGUAGE plpgsql "
                     "AS 'BEGIN RETURN 1; END'")
        client.query("CREATE FUNCTION it_sets() RETURNS text LANGUAGE sql "
                     "AS $$ SELECT set_config('work_mem', '9MB', false) $$")
        for _ in range(3):
            client.query("SELECT it_does_nothing()")
            other.query("SELECT 1")  # It has the backend once that was asked.
        sluice.wait_metric("pool_session_questions_total", 1, result="answered")
        for _ in range(4):
            client.query("SELECT it_sets()")
            assert other.value("SHOW work_mem") == "4MB"
            assert client.value("SHOW work_mem") == "9MB"
            client.query("RESET work_mem")
        client.query("DROP FUNCTION it_does_nothing(), it_sets()")
        client.end()
        other.end()


@case
def names_made_by_code_pin_and_those_of_others_do_not(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        other.query("PREPARE theirs AS SELECT 1")
        client.query("PREPARE mine AS SELECT 2")
        client.query("DO $$ BEGIN END $$")
        assert other.query("EXECUTE theirs").rows == [("1",)]
        assert client.query("EXECUTE mine").rows == [("2",)]
        assert sluice.metric("pool_pins_total") == 0
        client.query("DO $$ BEGIN EXECUTE 'PREPARE hidden AS SELECT 3'; END $$")
        sluice.wait_metric("pool_pinned_clients", 1)
        assert client.query("EXECUTE hidden").rows == [("3",)]
        assert sluice.metric("pool_pins_total", reason="sql_prepare") == 1
        client.end()
        assert other.query("EXECUTE theirs").rows == [("1",)]
        other.end()


@case
def channels_and_settings_of_one_transaction_both_follow(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(parameters={"work_mem": "7MB"}), sluice.connect()
        client.query("BEGIN; LISTEN news; SET work_mem = '9MB'; COMMIT")
        other.query("NOTIFY news, 'one'")
        assert client.message().kind == "A"
        assert client.value("SHOW work_mem") == "9MB"
        client.query("RESET ALL; LISTEN more")
        assert other.value("SHOW work_mem") == "4MB"
        assert client.value("SHOW work_mem") == "7MB"
        other.query("NOTIFY more, 'two'")
        assert client.message().kind == "A"
        assert sluice.metric("pool_pins_total") == 0
        client.end()
        other.end()


@case
def a_channel_that_code_listens_to_keeps_the_backend(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("DO $$ BEGIN EXECUTE 'LISTEN hidden'; END $$")
        sluice.wait_metric("pool_pinned_clients", 1)
        assert sluice.metric("pool_pins_total", reason="listen") == 1
        assert "A" in client.query("NOTIFY hidden").kinds
        client.query("UNLISTEN hidden")
        assert other.rows("SELECT pg_listening_channels()") == []
        client.end()
        other.end()


@case
def a_pin_lasts_no_longer_than_its_timeout(rig):
    with rig.sluice(pool_size=1, pin_timeout="300ms") as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("SELECT pg_advisory_lock(17)")
        assert other.value("SELECT pg_try_advisory_lock(17)::text") == "true"
        assert fields_of(client.message().body)["C"] == "25P03"
        sluice.wait_metric("refusals_total", 1, reason="pin_timeout")
        other.query("SELECT pg_advisory_unlock_all()")
        other.end()


@case
def reset_returns_to_what_the_client_brought(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect(parameters={"work_mem": "9MB", "application_name": "mine",
                                            "options": "-c search_path=two"})
        other = sluice.connect()
        for reset in ("RESET ALL", "DISCARD ALL", "SELECT 1; RESET ALL; SELECT 2"):
            client.query("SET work_mem = '5MB'; SET search_path = one; SET application_name = 'x'")
            assert other.value("SHOW work_mem") == "4MB"
            client.query(reset)
            assert other.value("SHOW application_name") == ""
            assert client.value("SHOW work_mem") == "9MB", reset
            assert client.value("SHOW search_path") == "two", reset
            assert client.value("SHOW application_name") == "mine", reset
        client.query("SET work_mem = '5MB'")
        client.query("BEGIN; RESET work_mem")
        assert client.value("SHOW work_mem") == "9MB"
        client.query("ROLLBACK")
        assert client.value("SHOW work_mem") == "5MB"
        client.end()
        other.end()


@case
def reset_of_a_pinned_client_returns_to_what_it_brought(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect(parameters={"work_mem": "9MB", "options": "-c search_path=two"})
        client.query("CREATE TEMP TABLE mine (i int)")
        for reset in ("RESET ALL", "RESET work_mem; RESET search_path", "SET work_mem TO DEFAULT; SET search_path TO DEFAULT"):
            client.query("SET work_mem = '5MB'; SET search_path = one")
            client.query(reset)
            client.query("INSERT INTO mine VALUES (1)")
            assert client.value("SHOW work_mem") == "9MB", reset
            assert client.value("SHOW search_path") == "two", reset
        sluice.wait_metric("pool_pinned_clients", 1)
        client.query("DISCARD ALL")
        other = sluice.connect()
        assert other.value("SHOW work_mem") == "4MB"
        assert client.value("SHOW work_mem") == "9MB"
        client.end()
        other.end()


@case
def a_client_that_leaves_while_its_backend_is_asked_leaves_nothing(rig):
    with rig.sluice(pool_size=1) as sluice:
        other = sluice.connect()
        for _ in range(20):
            client = sluice.connect()
            client.send(Query("SELECT set_config('work_mem', '9MB', false), pg_sleep(0)"))
            client.answer()
            client.abort()
            assert other.value("SHOW work_mem") == "4MB"
        other.end()


@case
def what_the_policy_rejects_never_reaches_the_server(rig):
    policy = {"set": "reject", "temporary_table": "reject", "code": "reject"}
    with rig.sluice(pool_size=1, session_state=policy) as sluice:
        client = sluice.connect()
        answer = client.ask(Query("SET work_mem = '9MB'"))
        assert answer.sqlstates == ["0A000"] and answer.status == "I", answer.messages
        assert "H" in answer.errors[0], answer.errors
        for sql in ("CREATE TEMP TABLE mine (a int)", "SELECT 1; DO ''"):
            answer = client.ask(Query(sql))
            assert answer.sqlstates == ["0A000"] and not answer.tags, sql
        answer = client.ask(Parse("SET work_mem = '9MB'"), Bind(), Execute(), Sync)
        assert answer.sqlstates == ["0A000"] and answer.kinds == "EZ", answer.kinds
        answer = client.ask(Parse("SET work_mem = '9MB'", "mine"), Sync)
        assert answer.sqlstates == ["0A000"], answer.sqlstates
        assert client.ask(Bind([], "mine"), Execute(), Sync).sqlstates == ["26000"]
        client.query("BEGIN")
        answer = client.ask(Query("SET work_mem = '9MB'"))
        assert answer.sqlstates == ["0A000"] and answer.status == "E"
        assert client.ask(Query("SET work_mem = '9MB'")).sqlstates == ["25P02"]
        client.query("ROLLBACK")
        client.query("BEGIN; SET LOCAL work_mem = '9MB'; COMMIT")
        assert client.value("SHOW work_mem") == "4MB"
        assert sluice.metric("refusals_total", reason="session_state_rejected") == 6
        assert sluice.metric("pool_pins_total") == 0
        client.end()


@case
def what_the_policy_warns_of_is_lost_with_one_warning(rig):
    policy = {"set": "warn", "advisory_lock": "warn"}
    with rig.sluice(pool_size=1, session_state=policy) as sluice:
        client, other = sluice.connect(), sluice.connect()
        answer = client.ask(Query("SET work_mem = '9MB'"))
        assert [one["C"] for one in answer.notices] == ["01000"] and answer.tags == ["SET"]
        assert client.value("SHOW work_mem") == "4MB"
        answer = client.ask(Query("SELECT pg_advisory_lock(17)"))
        assert not answer.notices
        assert other.value("SELECT pg_try_advisory_lock(17)::text") == "true"
        client.end()
        other.end()


@case
def a_backslash_pins_where_strings_have_escapes(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("SET standard_conforming_strings = off; SET escape_string_warning = off")
        for _ in range(3):
            assert other.value("SHOW standard_conforming_strings") == "on"
            assert client.value("SHOW standard_conforming_strings") == "off"
        assert sluice.metric("pool_pins_total") == 0
        client.query("SELECT 'a\\'; SET my.hidden = 1; --'")
        sluice.wait_metric("pool_pinned_clients", 1)
        client.end()
        other.end()


# What a function leaves, told by its source.

@case
def a_function_that_found_the_settings_as_it_wanted_them_is_asked_about_all_the_same(rig):
    with rig.sluice(pool_size=1) as sluice:
        one, two = sluice.connect(), sluice.connect()
        one.query("CREATE SCHEMA one_of; CREATE SCHEMA two_of; CREATE FUNCTION set_path(text) "
                  "RETURNS void LANGUAGE plpgsql AS "
                  "$$BEGIN PERFORM set_config('search_path', $1, false); END$$")
        for _ in range(6):
            one.execute("SELECT set_path($1)", "one_of, public")
        two.execute("SELECT set_path($1)", "two_of, public")
        for _ in range(3):
            assert one.query("SHOW search_path").rows == [("one_of, public",)]
            assert two.query("SHOW search_path").rows == [("two_of, public",)]
        other = sluice.connect()
        assert other.query("SHOW search_path").rows == [('"$user", public',)]
        one.query("DROP FUNCTION set_path; DROP SCHEMA one_of; DROP SCHEMA two_of")
        for client in (one, two, other):
            client.end()


@case
def a_lock_that_a_function_takes_the_fourth_time_stays_its_clients(rig):
    with rig.sluice(pool_size=2) as sluice:
        one, two, holder = sluice.connect(), sluice.connect(), sluice.connect()
        one.query("CREATE FUNCTION try_lock(int) RETURNS bool LANGUAGE plpgsql AS "
                  "$$BEGIN RETURN pg_try_advisory_lock($1); END$$")
        holder.query("SELECT pg_advisory_lock(77)")
        for _ in range(5):
            assert one.execute("SELECT try_lock(77)").rows == [("f",)]
        holder.query("SELECT pg_advisory_unlock(77)")
        assert one.execute("SELECT try_lock(77)").rows == [("t",)]
        assert two.execute("SELECT try_lock(77)").rows == [("f",)]
        one.query("SELECT pg_advisory_unlock_all()")
        one.query("DROP FUNCTION try_lock")
        for client in (one, two, holder):
            client.end()


@case
def settings_that_nobody_lists_are_nobody_elses(rig):
    """Of a function, of code, and of a function whose source tells no name."""
    tell = "SELECT coalesce(current_setting('app.tenant', true), '')"
    with rig.sluice(pool_size=1) as sluice:
        one, two = sluice.connect(), sluice.connect()
        one.query("CREATE FUNCTION log_in(text) RETURNS void LANGUAGE plpgsql AS "
                  "$$BEGIN PERFORM set_config('app.tenant', $1, false); END$$;"
                  "CREATE FUNCTION log_in_as(text) RETURNS void LANGUAGE plpgsql AS "
                  "$$BEGIN PERFORM set_config('app.' || 'tenant', $1, false); END$$")
        one.execute("SELECT log_in($1)", "one")
        assert two.query(tell).rows == [("",)]
        two.execute("SELECT log_in($1)", "two")
        assert one.query(tell).rows == [("one",)]
        assert two.query(tell).rows == [("two",)]
        one.query("DO $$BEGIN PERFORM set_config('app.tenant', 'code', false); END$$")
        assert two.query(tell).rows == [("two",)]
        assert one.query(tell).rows == [("code",)]
        other = sluice.connect()
        other.execute("SELECT log_in_as($1)", "hidden")
        last = sluice.connect()
        assert last.query(tell).rows == [("",)]
        last.query("DROP FUNCTION log_in; DROP FUNCTION log_in_as")
        for client in (one, two, other, last):
            client.end()


@case
def what_ends_before_the_answer_came_pins_nobody(rig):
    with rig.sluice(pool_size=1) as sluice:
        one, two = sluice.connect(), sluice.connect()
        for begin, end in (("SELECT pg_advisory_lock(5)", "SELECT pg_advisory_unlock(5)"),
                           ("CREATE TEMP TABLE brief (i int)", "DROP TABLE brief"),
                           ("DECLARE brief CURSOR WITH HOLD FOR SELECT 1", "CLOSE brief")):
            for _ in range(20):
                one.query(begin)
                one.query(end)
                assert two.query("SELECT 1").rows == [("1",)], end
        one.end()
        two.end()


@case
def settings_of_a_transaction_are_in_no_shared_statement(rig):
    text = "SELECT extract(epoch FROM '2020-01-01 00:00'::timestamptz)"
    with rig.sluice(pool_size=1) as sluice:
        one, two = sluice.connect(), sluice.connect()
        one.query("BEGIN")
        one.query("SET LOCAL TimeZone = 'Asia/Tokyo'")
        assert one.ask(Parse(text, "s"), Bind([], "s"), Execute(), Sync).rows[0][0].startswith(
            "1577804400")
        one.query("COMMIT")
        assert two.ask(Parse(text, "s"), Bind([], "s"), Execute(), Sync).rows[0][0].startswith(
            "1577836800")
        one.end()
        two.end()


@case
def now_is_another_moment_each_time(rig):
    text = extended("SELECT 'now'::timestamptz")
    with rig.sluice(pool_size=1) as sluice:
        clients = [sluice.connect() for _ in range(3)]
        seen = [client.ask(text).rows[0] for _ in range(4) for client in clients]
        assert len(set(seen)) == len(seen), seen
        for client in clients:
            client.end()


@case
def settings_that_only_a_role_may_set_harm_nobody_else(rig):
    rig.postgres.execute("CREATE ROLE a_boss SUPERUSER", "GRANT a_boss TO app")
    try:
        with rig.sluice(pool_size=1) as sluice:
            client = sluice.connect()
            client.query("SET ROLE a_boss")
            client.query("SET session_replication_role = replica")
            for _ in range(2):
                other = sluice.connect()
                assert other.value("SHOW session_replication_role") == "origin"
                assert other.value("SHOW role") == "none"
                assert client.value("SHOW session_replication_role") == "replica"
                assert client.value("SHOW role") == "a_boss"
                other.end()
            client.end()
            other = sluice.connect()
            assert other.value("SHOW session_replication_role") == "origin"
            other.end()
    finally:
        rig.postgres.execute("DROP ROLE a_boss")


@case
def settings_without_the_role_that_set_them_keep_the_backend(rig):
    rig.postgres.execute("CREATE ROLE a_boss SUPERUSER", "GRANT a_boss TO app")
    try:
        with rig.sluice(pool_size=1) as sluice:
            client, other = sluice.connect(), sluice.connect()
            client.query("BEGIN; SET ROLE a_boss; SET session_replication_role = replica; "
                         "RESET ROLE; COMMIT")
            sluice.wait_metric("pool_pinned_clients", 1)
            assert client.value("SHOW session_replication_role") == "replica"
            client.end()
            assert other.value("SHOW session_replication_role") == "origin"
            other.end()
    finally:
        rig.postgres.execute("DROP ROLE a_boss")


@case
def a_role_that_was_revoked_harms_its_client_alone(rig):
    rig.postgres.execute("CREATE ROLE a_passing_one", "GRANT a_passing_one TO app")
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("SET ROLE a_passing_one")
        assert other.value("SHOW role") == "none"
        rig.postgres.execute("DROP ROLE a_passing_one")
        client.send(Query("SELECT 1"))
        assert fields_of(client.message().body)["C"] == "22023"
        for one in (other, sluice.connect()):
            assert one.value("SHOW role") == "none"
            one.end()


@case
def what_this_backend_cannot_be_set_to_is_set_on_a_fresh_one(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("SET temp_buffers = '2MB'")
        other.query("BEGIN; CREATE TEMP TABLE mine (a int); INSERT INTO mine VALUES (1); ROLLBACK")
        for _ in range(2):
            assert client.value("SHOW temp_buffers") == "2MB"
            assert other.value("SHOW temp_buffers") == "8MB"
            other.query("BEGIN; CREATE TEMP TABLE mine (a int); INSERT INTO mine VALUES (1); "
                        "ROLLBACK")
        client.end()
        other.end()


@case
def reset_out_of_sight_returns_to_what_the_client_brought(rig):
    brought = {"options": "-c TimeZone=Europe/Berlin"}
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(parameters=brought), sluice.connect()
        zone = "SHOW TimeZone"

        def reset():
            assert other.value(zone) != "Europe/Berlin"
            assert client.value(zone) == "Europe/Berlin"
            client.query("SET TimeZone = 'Asia/Tokyo'")

        client.send(Query("RESET ALL; SELECT 1"), Query(zone))
        client.answer()
        assert client.answer().rows == [("Europe/Berlin",)], "a Query right behind"
        reset()
        client.send(Parse("RESET ALL", "a"), Parse("SELECT 1", "b"), Bind([], "a", "a"),
                    Bind([], "b", "b"), Execute(0, "a"), Execute(0, "b"), Sync)
        client.answer()
        reset()
        client.query("ROLLBACK; RESET ALL")
        reset()
        client.query("DO $$ BEGIN EXECUTE 'RESET ALL'; END $$")
        assert client.value(zone) == "Europe/Berlin", "a Query behind the answer"
        reset()
        client.query("BEGIN; RESET TimeZone; SAVEPOINT s; SET TimeZone = 'Asia/Seoul'")
        client.query("ROLLBACK TO s")
        client.query("COMMIT")
        reset()
        server = other.value(zone)
        client.query(f"SET TimeZone = '{server}'")
        for _ in range(2):
            assert other.value(zone) == server
            assert client.value(zone) == server, "SET is no RESET"
        client.end()
        other.end()


@case
def session_authorization_takes_the_role_along(rig):
    rig.postgres.execute("CREATE ROLE a_plain_one", "GRANT a_plain_one TO app")
    try:
        with rig.sluice(pool_size=1) as sluice:
            client = sluice.connect(parameters={"options": "-c role=a_plain_one -c work_mem=7MB"})
            other = sluice.connect()
            for sql, role in (("SET ROLE NONE", "none"), ("RESET ROLE", "a_plain_one"),
                              ("SET ROLE NONE", "none"),
                              ("SET SESSION AUTHORIZATION DEFAULT", "a_plain_one")):
                client.query(sql)
                for _ in range(2):
                    assert other.value("SHOW role") == "none"
                    assert client.value("SHOW role") == role, sql
                    assert client.value("SHOW work_mem") == "7MB", sql
            client.end()
            other.end()
    finally:
        rig.postgres.execute("DROP ROLE a_plain_one")


@case
def a_question_is_not_bound_by_the_clients_timeout(rig):
    with rig.sluice(pool_size=1, pin_timeout="1s") as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("SET statement_timeout = '2ms'; SET my.tenant = 'acme'")
        assert other.value("SHOW statement_timeout") == "0"
        other.end()


@case
def more_settings_than_can_be_carried_pin_and_count(rig):
    with rig.sluice(pool_size=1, pin_timeout="300ms") as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("; ".join(f"SET my.s{one} = 'x'" for one in range(60)))
        assert other.value("SELECT 1") == "1"
        client.query("SELECT set_config('my.big', repeat('x', 3000000), false)")
        sluice.wait_metric("pool_pinned_clients", 1)
        assert sluice.metric("pool_pins_total", reason="code") == 1
        assert other.value("SELECT coalesce(current_setting('my.big', true), '')") == ""
        assert fields_of(client.message().body)["C"] == "25P03"
        other.end()


@case
def values_follow_in_the_encoding_of_the_database(rig):
    rig.postgres.execute("CREATE DATABASE latin OWNER app ENCODING 'LATIN1' LOCALE 'C' "
                         "TEMPLATE template0")
    try:
        with rig.sluice(pool_size=1) as sluice:
            for database, encoding in (("latin", "UTF8"), ("app", "LATIN1")):
                parameters = {"client_encoding": encoding}
                client = sluice.connect(database=database, parameters=parameters)
                other = sluice.connect(database=database)
                # The client of these tests speaks UTF-8, whatever it says.
                sent = "SET my.name = U&'\\00e9'" if encoding == "LATIN1" else "SET my.name = '\u00e9'"
                client.query(sent)
                for _ in range(3):
                    assert other.value("SELECT current_setting('my.name', true)") in (None, "")
                    length = client.value("SELECT length(current_setting('my.name')) || ' ' || "
                                          "ascii(current_setting('my.name'))")
                    assert length.startswith("1 "), length
                    client.query("SET work_mem = '5MB'; SET my.other = 'x'")
                client.end()
                other.end()
    finally:
        rig.postgres.execute("DROP DATABASE latin WITH (FORCE)")
