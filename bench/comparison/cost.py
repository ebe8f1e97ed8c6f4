"""What a process has cost: processor time, system calls, memory."""

import os
import re
import signal
import subprocess
import time

from processes import Failure, raise_file_limit, tail, wait_until

TICK = os.sysconf("SC_CLK_TCK")
CPUCLOCK_SCHED = 2


class ProcessorTime:
    """Seconds since the object was made, all threads together, those that have ended too."""

    def __init__(self, pid):
        self._pid = pid
        self._at_start = self._read()

    def spent(self):
        """(all, user) in seconds.

        The kernel counts the sum to the nanosecond and only samples, by ticks, which part of it
        was outside the kernel: a short run tells little about the user part.
        """
        now = self._read()
        total, user, system = (now[index] - self._at_start[index] for index in range(3))
        return total, (total * user / (user + system) if user + system else 0.0)

    def each(self, count):
        """The same by row name, in microseconds for each of so many."""
        return {name: seconds / count * 1e6 for name, seconds in zip(("cpu", "user"), self.spent())}

    def _read(self):
        with open(f"/proc/{self._pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        user, system = int(fields[11]) / TICK, int(fields[12]) / TICK
        try:
            # The clock of another process, as clock_getcpuclockid(3) makes its name.
            total = time.clock_gettime_ns((~self._pid << 3) | CPUCLOCK_SCHED) / 1e9
        except OSError:
            total = user + system
        return total, user, system


class FamilyTime:
    """Seconds of processor time since the object was made, of a process and its children: those
    that live now, and those that lived then and have ended."""

    def __init__(self, pid):
        self._pid = pid
        self._at_start = self._read()

    def spent(self):
        return self._read() - self._at_start

    def _read(self):
        with open(f"/proc/{self._pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        seconds = sum(int(field) for field in fields[11:15]) / TICK
        with open(f"/proc/{self._pid}/task/{self._pid}/children") as children:
            for child in children.read().split():
                try:
                    seconds += time.clock_gettime_ns((~int(child) << 3) | CPUCLOCK_SCHED) / 1e9
                except OSError:
                    continue  # It has ended meanwhile; its parent's sum has it now.
        return seconds


def thread_times(pid):
    """Seconds of processor time by thread id."""
    result = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat") as stat:
                result[int(thread)] = int(stat.read().split()[0]) / 1e9
        except OSError:
            continue
    return result


def resident_bytes(pid):
    """The proportional set size: shared pages count by their share."""
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        match = re.search(r"^Pss:\s+(\d+) kB", rollup.read(), re.MULTILINE)
    return int(match[1]) * 1024


def idle_memory(pid, count, connect):
    """KiB for each of so many clients of the process, which connect() makes."""
    if raise_file_limit(count + 256) < count + 256:
        raise Failure(f"the limit of open files is too low for {count} clients")
    clients = []
    try:
        before = resident_bytes(pid)
        for _ in range(count):
            clients.append(connect())
        return (resident_bytes(pid) - before) / count / 1024
    finally:
        for client in clients:
            client.close()


def perf_counts_calls():
    """Whether the kernel's tracepoints are open to us: they count without slowing anybody."""
    try:
        done = subprocess.run(["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "true"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    except OSError:
        return False
    return bool(re.search(r"^\d+,,raw_syscalls", done.stdout, re.MULTILINE))


def system_calls(pid, folder, command, run, with_perf):
    """System calls of process `pid` while `command` runs, by `run(command)`; and the command's
    output."""
    log = os.path.join(folder, "calls.txt")
    if with_perf:
        output = run(["perf", "stat", "-x,", "-o", log, "-e", "raw_syscalls:sys_enter", "-p",
                      str(pid), "--", *command])
        match = re.search(r"^(\d+),,raw_syscalls", tail(log, 100), re.MULTILINE)
    else:
        attached = os.path.join(folder, "strace.txt")
        with open(attached, "wb") as messages:
            tracer = subprocess.Popen(["strace", "-f", "-c", "-o", log, "-p", str(pid)],
                                      stdin=subprocess.DEVNULL, stdout=messages, stderr=messages,
                                      start_new_session=True)
        try:
            wait_until(lambda: "attached" in tail(attached), "waiting for strace", 10.0, tracer)
            output = run(command)
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(20)
        match = re.search(r"^\s*100\.00\s+[\d.]+\s+(?:[\d.]+\s+)?(\d+)\s+(?:\d+\s+)?total",
                          tail(log, 100), re.MULTILINE)
    if match is None:
        raise Failure(f"no count of system calls in:\n{tail(log, 100)}")
    return int(match[1]), output
