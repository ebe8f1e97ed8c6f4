"""Several instances behind one load balancer: a cancel may come to any of them."""

import contextlib
import os
import selectors
import signal
import socket
import socketserver
import subprocess
import threading

from case import case
from pgwire import SECONDS, Query, Wire, cancel_request
from rig import Sluice, free_port, wait_until

SLEEP = "SELECT pg_sleep(600)"


@contextlib.contextmanager
def fleet(rig, count, by_name=False, **settings):
    """Instances 1, 2, ... that know each other by number, or all of them by one name."""
    ports = [free_port() for _ in range(count)]
    members = []
    for number, port in enumerate(ports, 1):
        peers = [{"instance": other, "address": f"127.0.0.1:{ports[other - 1]}"}
                 for other in range(1, count + 1) if other != number]
        known = {"peers": [f"localhost:{other}" for other in ports]} if by_name else \
            {"instance": number, "peers": peers}
        members.append(Sluice(rig.processes, rig.new_folder("sluice"), rig.binary, {
            "databases": {"*": {"host": "127.0.0.1", "port": rig.postgres.port}},
            "listen": [f"127.0.0.1:{port}"], "pool_size": 2, **known, **settings}))
        members[-1].port = port
    try:
        yield members
    except BaseException:
        for member in members:
            rig.processes.stop(member.process, signal.SIGINT, SECONDS)
        rig.postgres.end_backends()
        raise
    for member in members:
        member.finish()
    rig.postgres.wait_empty()


def start_sleeping(rig, client, count=1):
    client.send(Query(SLEEP))
    wait_until(lambda: len(rig.postgres.backends(
        f"state = 'active' AND query LIKE '{SLEEP}%'")) >= count, "the query to run", SECONDS)


def cancel_by(member, client, key=None):
    """As libpq does: until the other end has closed."""
    with Wire(member.address) as wire:
        wire.send(cancel_request(client.pid, client.key if key is None else key))
        assert wire.messages_to_the_end() == []


@case
def a_cancel_reaches_its_client_through_any_instance(rig):
    for version, by_name in ((0x30000, False), (0x30002, False), (0x30000, True)):
        with fleet(rig, 3, by_name) as members:
            owner = members[1].connect(version=version)
            other = members[0].connect(version=version)
            start_sleeping(rig, owner)
            start_sleeping(rig, other, 2)
            for count, member in enumerate(members, 1):
                cancel_by(member, owner)
                answer = owner.answer()
                assert answer.sqlstates == ["57014"] and answer.status == "I"
                assert not other.has_input(), "the cancel hit another client"
                start_sleeping(rig, owner, 2)
                assert members[1].metric("cancels_total", result="forwarded") == count
            asked = [member.metric("peer_cancels_total", result="forwarded") for member in members]
            # By a name each address is asked, itself among them.
            assert asked[0] >= 1 and asked[2] >= 1 and (by_name or asked == [1, 0, 1]), asked
            cancel_by(members[2], owner)
            assert owner.answer().sqlstates == ["57014"]
            cancel_by(members[2], other)
            assert other.answer().sqlstates == ["57014"]
            owner.end()
            other.end()


@case
def a_wrong_key_goes_one_hop_and_no_further(rig):
    """Two instances that take each other for whom they are not would play with it for ever."""
    first, second = free_port(), free_port()
    crossed = [({"instance": 1, "peers": [{"instance": 9, "address": f"127.0.0.1:{second}"}]}, first),
               ({"instance": 2, "peers": [{"instance": 9, "address": f"127.0.0.1:{first}"}]}, second)]
    with contextlib.ExitStack() as stack:
        members = []
        for own, port in crossed:
            sluice = stack.enter_context(rig.sluice(pool_size=2, listen=[f"127.0.0.1:{port}"], **own))
            sluice.port = port
            members.append(sluice)
        wire = Wire(members[0].address)
        wire.send(cancel_request(1, b"\x09abc"))
        assert wire.messages_to_the_end() == []
        wire.close()
        for member, received, forwarded in zip(members, (1, 1), (1, 0)):
            assert member.metric("cancels_received_total") == received
            assert member.metric("peer_cancels_total", result="forwarded") == forwarded
        assert members[1].metric("cancels_total", result="dropped") == 1


@case
def a_peer_that_is_gone_costs_its_time_limit_and_no_more(rig):
    own = {"instance": 1, "peers": [{"instance": 2, "address": f"127.0.0.1:{free_port()}"}]}
    with rig.sluice(pool_size=2, cancel_wait_timeout="1s", **own) as sluice:
        with Wire(sluice.address) as wire:
            wire.send(cancel_request(1, b"\x02abc"))
            assert wire.messages_to_the_end() == []
        assert sluice.metric("peer_cancels_total", result="failed") == 1
        client = sluice.connect()
        assert client.key[0] == 1 and client.value("SELECT 1") == "1"
        client.end()


@case
def a_flood_of_keys_of_a_silent_peer_is_bounded(rig):
    """Half of max_cancels stays for the cancels of clients that are here."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        own = {"instance": 1, "max_cancels": 4, "cancel_wait_timeout": "60s",
               "peers": [{"instance": 2, "address": f"127.0.0.1:{silent.getsockname()[1]}"}]}
        with rig.sluice(pool_size=2, **own) as sluice, contextlib.ExitStack() as stack:
            client = sluice.connect()
            start_sleeping(rig, client)
            for _ in range(100):
                wire = stack.enter_context(Wire(sluice.address))
                wire.send(cancel_request(1, b"\x02abc"))
            sluice.wait_metric("peer_cancels_total", 98, result="failed")
            client.cancel()
            assert client.answer().sqlstates == ["57014"]
            client.end()


@case
def psql_cancels_through_the_wrong_instance(rig):
    """psql sends its cancel to the address of its connection, where a load balancer answers: here
    a relay that leads the second connection elsewhere."""
    with fleet(rig, 2) as members:
        targets = iter([members[0].address, members[1].address])

        class Balancer(socketserver.BaseRequestHandler):
            def handle(self):
                relay(self.request, next(targets))

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Balancer) as balancer:
            balancer.daemon_threads = True
            threading.Thread(target=balancer.serve_forever, daemon=True).start()
            port = balancer.server_address[1]
            psql = subprocess.Popen(
                ["psql", "-X", "-c", SLEEP, f"postgresql://app@127.0.0.1:{port}/app?sslmode=disable"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env={**os.environ, "LC_ALL": "C"})
            wait_until(lambda: rig.postgres.backends("state = 'active' AND query LIKE 'SELECT pg_sleep%'"),
                       "the query to run", SECONDS)
            psql.send_signal(signal.SIGINT)
            _, errors = psql.communicate(timeout=SECONDS)
            balancer.shutdown()
        assert "canceling statement due to user request" in errors, errors
        assert members[1].metric("peer_cancels_total", result="forwarded") == 1


def relay(client, address):
    with socket.create_connection(address) as server, selectors.DefaultSelector() as selector:
        for one, other in ((client, server), (server, client)):
            selector.register(one, selectors.EVENT_READ, other)
        while True:
            for key, _ in selector.select():
                data = key.fileobj.recv(65536)
                if not data:
                    return
                key.data.sendall(data)
