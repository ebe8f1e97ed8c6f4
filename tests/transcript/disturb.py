"""Clients that live beside a script, in the same pool, and leave there what they can.

Those that stay are scripts of their own (theme `disturbers`), played between the steps of the other
and compared like it: what leaks from one to the other shows on either side. Those that pass log in,
leave a trace and go, some without a goodbye.
"""

import random

from pgwire import Bind, Close, Execute, Flush, Parse, Query, Sync, Terminate, frame
from player import Play, compare

GARBAGE = frame("~", b"no such message")
STAYING = 2
PASSING = [
    [Query("SET search_path = two; SET work_mem = '9MB'; SET application_name = 'passing'")],
    [Query("BEGIN; SET search_path = two; SELECT * FROM thing")],
    [Query("PREPARE s AS SELECT 'passing'; PREPARE x AS SELECT 'passing'")],
    [Parse("SELECT 'passing'", "s"), Parse("SELECT 'passing'", "x"), Parse("SELECT 'passing'"), Sync],
    [Parse("SELECT 'passing', $1::int", "s"), Bind([1], "s", "p"), Execute(0, "p"), Flush],
    [Query("CREATE TEMP TABLE thing (stolen int); CREATE TEMP TABLE numbers (stolen int)")],
    [Query("SELECT pg_advisory_lock(991), pg_advisory_lock(992)"), Query("LISTEN passing")],
    [Query("DECLARE c CURSOR WITH HOLD FOR SELECT 'passing'")],
    [Query("SET ROLE second"), Query("SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'")],
    [Query("BEGIN; DECLARE c CURSOR FOR SELECT 1; PREPARE y AS SELECT 1; SELECT 1/0")],
    [Query("SET standard_conforming_strings = off; SET bytea_output = 'escape'")],
    [Query("BEGIN"), Query("COPY plain FROM STDIN")],
    [Query("SELECT generate_series(1, 20000)")],
    [Parse("SELEKT", "s"), Bind([], "s"), Execute()],
    [Query("SET default_transaction_read_only = on; SET my.own = 'passing'")],
    [Parse("SELECT generate_series(1, 9)", "s"), Bind([], "s", "p"), Execute(2, "p"), Flush],
    [Close("S", "s"), Query("DEALLOCATE ALL"), Query("DISCARD ALL")],
    [Query("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE")],
    [Query("SELECT setval('counted', 1, false), lastval()")],
    [Query("SELECT 1"), GARBAGE],
]


class Quiet:
    """Nobody else is there."""

    def act(self, _step):
        pass

    def nudge(self):
        pass

    def finish(self):
        pass

    def close(self):
        pass


class Disturbance:
    """Deterministic for a script and a setting: the choice comes from `seed`."""

    def __init__(self, lane, address, seed, candidates, seconds):
        self.lane, self.address, self.seconds = lane, address, seconds
        self.random = random.Random(seed)
        self.staying = [Stayer(lane, address, script, recording, seconds)
                        for script, recording in self.random.sample(candidates, STAYING)]
        self.passing = []

    def act(self, _step):
        for stayer in self.staying:
            stayer.act()
        if len(self.passing) >= 3:
            self.pass_on()
        play = Play(self.lane, self.address, self.seconds)
        self.passing.append(play)
        peer = play.login("passing", (("user", "app"),), waits=False)
        peer.push(b"".join(self.random.choice(PASSING)), 0, self.seconds)

    def pass_on(self):
        """The first that came goes, politely or not."""
        play = self.passing.pop(0)
        if self.random.random() < 0.5:
            for peer in play.peers.values():
                peer.push(Terminate, 0, self.seconds)
        play.__exit__()

    def nudge(self):
        """The script waits: whoever holds a backend goes on, or goes."""
        for stayer in self.staying:
            stayer.act()
        if self.passing:
            self.pass_on()

    def finish(self):
        while self.passing:
            self.pass_on()
        for stayer in self.staying:
            stayer.finish(self.nudge)

    def close(self):
        for one in [*self.staying, *self.passing]:
            one.__exit__()


class Stayer(Play):
    """One script that goes on whenever its last step has its answers."""

    def __init__(self, lane, address, script, recording, seconds):
        super().__init__(lane, address, seconds)
        self.script, self.recording, self.next = script, recording, 0

    def login(self, name, parameters, waits=False):
        return super().login(name, parameters, waits)

    def is_behind(self):
        wanted = self.recording.counts[self.next - 1] if self.next else {}
        for peer in self.peers.values():
            peer.drain()
        return any(len(self.peers[name].words) < count for name, count in wanted.items())

    def act(self):
        if self.is_behind() or self.next == len(self.script.steps):
            return
        self.check()
        self.perform(self.script.steps[self.next])
        self.next += 1

    def finish(self, meanwhile):
        """The last answers; who holds what they need goes on meanwhile."""
        wanted = self.recording.counts[self.next - 1] if self.next else {}
        for name, count in wanted.items():
            peer = self.peers[name]
            peer.wait_for(lambda: len(peer.words) >= count, self.seconds, meanwhile)
        self.check()

    def check(self):
        compare(self.recording.transcripts, self.everything(), False)
