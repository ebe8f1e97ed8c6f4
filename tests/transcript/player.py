"""Plays a script against PostgreSQL, which says what is right, and through Sluice, which must agree.

How a play against PostgreSQL knows that all replies are there: over a Unix socket the kernel tells
how much of what we sent has not been taken (SIOCOUTQ), and a backend that has taken everything and
waits for its client has also sent everything it was going to send. Through Sluice a step is over
when each client has as many messages as it had directly.
"""

import array
import fcntl
import select
import socket
import struct
import termios
import time

import words
from allowed import Known, without_authentication
from pgwire import Closed, Late, Message, Terminate, Wire, startup

DIRECT_SECONDS = 30.0
NUDGE_SECONDS = 0.02
LOGIN_ENDS = ("Z", "closed")


class Peer(Wire):
    """One client of a play."""

    def __init__(self, address, name, known):
        super().__init__(address)
        self.name, self.known = name, known
        self.pid, self.kinds, self.words, self.closed = 0, [], [], False
        self.socket.setblocking(False)

    def heard(self, message):
        if message.kind == "K" and len(message.body) >= 4:
            self.pid, = struct.unpack_from("!I", message.body)
            self.known.logged_in(self.name, self.pid)
        self.kinds.append(message.kind)
        self.words.append(words.message(message, self.known))
        if message.kind == "E" and self.pid == 0:
            self.words[:] = without_authentication(self.words)

    def gone(self):
        if not self.closed:
            self.closed = True
            if self.received:
                self.heard(Message("?", bytes(self.received)))
            self.heard(Message("closed", b""))

    def drain(self):
        """Takes what has arrived."""
        while not self.closed:
            try:
                data = self.socket.recv(262144)
            except BlockingIOError:
                return
            except ConnectionError:
                data = b""
            if not data:
                return self.gone()
            self.received += data
            while not self.closed and self.has_frame():
                self.heard(self.message())
        return None

    def has_frame(self):
        if len(self.received) < 5:
            return False
        return len(self.received) > struct.unpack_from("!I", self.received, 1)[0]

    def push(self, data, piece, seconds):
        """Sends while it receives, so that neither side waits for the other."""
        deadline = time.monotonic() + seconds
        position = 0
        while position < len(data) and not self.closed:
            select.select([self.socket], [self.socket], [], 1.0)
            self.drain()
            try:
                position += self.socket.send(data[position:position + (piece or len(data))])
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Late("the other side does not read") from None
            except ConnectionError:
                self.drain()
                self.gone()

    def wait_for(self, enough, seconds, meanwhile=None):
        """Receives until enough() or the end. When nothing comes, meanwhile() may help."""
        deadline = time.monotonic() + seconds
        self.drain()
        while not self.closed and not enough():
            left = deadline - time.monotonic()
            if left <= 0:
                raise Late(f"{self.name} has {len(self.words)} messages")
            pause = min(left, NUDGE_SECONDS) if meanwhile else left
            if not select.select([self.socket], [], [], pause)[0] and meanwhile:
                meanwhile()
            self.drain()

    def differs(self, wanted):
        """Whether what came last is not what was wanted, so that waiting for more is vain."""
        last = len(self.words) - 1
        return last >= 0 and (last >= len(wanted) or self.words[last] != wanted[last])

    def untaken(self):
        """Bytes that we sent and the other side has not read; Unix sockets only."""
        count = array.array("i", [0])
        fcntl.ioctl(self.socket, termios.TIOCOUTQ, count)
        return count[0]


class Play:
    """The clients of one script in one run of it."""

    def __init__(self, lane, address, seconds):
        self.lane, self.address, self.seconds = lane, address, seconds
        self.known = Known(lane.first_new_oid)
        self.peers = {}
        self.meanwhile = None  # Called while a client waits in vain.

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for peer in self.peers.values():
            peer.close()

    def login(self, name, parameters, waits=True):
        values = {"database": self.lane.database, **dict(parameters)}
        version = values.pop("version", 0x30000)
        old = self.peers.pop(name, None)
        peer = self.peers[name] = Peer(self.address, name, self.known)
        # A client that comes back writes on in its old transcript.
        peer.kinds, peer.words = (old.kinds, old.words) if old else ([], [])
        already = len(peer.kinds)
        peer.push(startup(values, version), 0, self.seconds)
        if waits:
            peer.wait_for(lambda: any(kind in LOGIN_ENDS for kind in peer.kinds[already:]),
                          self.seconds, self.meanwhile)
        return peer

    def perform(self, step):
        """All of a step but the waiting for its answers."""
        if step.act == "login":
            return self.login(step.client, step.parameters)
        if step.client not in self.peers:
            self.login(step.client, (("user", "app"),))
        peer = self.peers[step.client]
        if step.act == "send":
            peer.push(step.data, step.piece, self.seconds)
        elif step.act == "leaves":
            peer.push(Terminate, 0, self.seconds)
            peer.wait_for(lambda: False, self.seconds, self.meanwhile)
        elif step.act == "vanishes" and not peer.closed:
            peer.gone()
            peer.abort()
        return peer

    def counts(self):
        return {name: len(peer.words) for name, peer in self.peers.items()}

    def everything(self):
        return {name: list(peer.words) for name, peer in self.peers.items()}

    def end(self):
        """Everybody says goodbye; nobody waits for another's lock meanwhile."""
        live = [peer for peer in self.peers.values() if not peer.closed]
        for peer in live:
            peer.push(Terminate, 0, self.seconds)
        for peer in live:
            peer.wait_for(lambda: False, self.seconds, self.meanwhile)


class Recording:
    """What PostgreSQL answered: counts[i] messages of each client behind step i."""

    def __init__(self, counts, transcripts):
        self.counts, self.transcripts = counts, transcripts


def settle(lane, peers):
    """Returns when every backend waits for its client, or for another's lock."""
    deadline = time.monotonic() + DIRECT_SECONDS
    while True:
        live = [peer for peer in peers if not peer.closed]
        for peer in live:
            peer.drain()
        waiting = [peer for peer in live if not peer.closed]
        # First what was taken, then what for: a backend that waits for its client had all of it.
        untaken = {peer: peer.untaken() for peer in waiting}
        states = lane.waits([peer.pid for peer in waiting])
        for peer in waiting:
            peer.drain()
        if all(peer.closed or states[peer.pid] == "Lock" or
               (states[peer.pid] == "Client" and not untaken[peer]) for peer in waiting):
            return
        if time.monotonic() > deadline:
            raise Late("PostgreSQL does not come to rest")
        select.select([peer.socket for peer in peers if not peer.closed], [], [], 0.001)


def record(lane, script):
    """The script against PostgreSQL itself."""
    counts, notified = [], {}
    with Play(lane, lane.direct_address, DIRECT_SECONDS) as play:
        for step in script.steps:
            peer = play.perform(step)
            if step.act == "hears":
                # Some may have come while another's step was waited for.
                enough = notified.get(step.client, 0) + step.count
                peer.wait_for(lambda: peer.kinds.count("A") >= enough, DIRECT_SECONDS)
            if step.waits:
                settle(lane, [one for one in play.peers.values() if one.pid or one.closed])
            notified[step.client] = peer.kinds.count("A")
            counts.append(play.counts())
        play.end()
        lane.wait_gone([peer.pid for peer in play.peers.values() if peer.pid])
        return Recording(counts, play.everything())


class Difference(Exception):
    """Where a pooled transcript leaves the direct one."""

    def __init__(self, client, position, expected, got, late):
        super().__init__(f"client {client}, message {position + 1}")
        self.client, self.position = client, position
        self.expected, self.got, self.late = expected, got, late
        self.step = None


def compare(expected, got, whole, late=False):
    """Raises at the first difference. Before the end of a play the rest may still come."""
    for client, wanted in expected.items():
        here = got.get(client, [])
        for position, words_here in enumerate(here):
            if position >= len(wanted) or words_here != wanted[position]:
                raise Difference(client, position, wanted, here, False)
        if (whole or late) and len(here) < len(wanted):
            raise Difference(client, len(here), wanted, here, late)


def replay(lane, address, script, recording, disturbance, seconds):
    """The script through Sluice; raises Difference.

    Who disturbs may hold the backend that the script waits for, so it goes on meanwhile.
    """
    number = -1
    with Play(lane, address, seconds) as play:
        play.meanwhile = disturbance.nudge
        try:
            for number, step in enumerate(script.steps):
                disturbance.act(number)
                play.perform(step)
                # Where a step expects nothing yet, its replies belong to a later one.
                for name, count in recording.counts[number].items() if step.waits else ():
                    peer, wanted = play.peers[name], recording.transcripts[name]
                    peer.wait_for(lambda: len(peer.words) >= count or peer.differs(wanted), seconds,
                                  play.meanwhile)
                compare(recording.transcripts, play.everything(), False)
            play.end()
            compare(recording.transcripts, play.everything(), True)
        except Late:
            try:
                wanted = {name: words_wanted[:recording.counts[number].get(name, 0)]
                          for name, words_wanted in recording.transcripts.items()}
                got = play.everything()
                compare(recording.transcripts, got, False)
                compare(wanted, {name: got.get(name, [])[:len(words_wanted)]
                                 for name, words_wanted in wanted.items()}, True, late=True)
            except Difference as difference:
                difference.step = number
                raise
            raise Difference("?", 0, ["an answer"], [], True) from None
        except Closed:
            raise Difference("?", 0, ["a login"], ["closed"], False) from None
        except Difference as difference:
            difference.step = number
            raise
