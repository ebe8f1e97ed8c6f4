"""A Redis client that hides nothing: requests as bytes, replies as the very bytes that came."""

import socket

SECONDS = 20.0


class Closed(Exception):
    """The other side has closed."""


def request(*words):
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


class Wire:
    def __init__(self, address):
        if isinstance(address, socket.socket):
            self.socket = address
        elif isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(SECONDS)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(address, SECONDS)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kept = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        data = self.socket.recv(65536)
        if not data:
            raise Closed()
        self.kept += data

    def line(self):
        while b"\r\n" not in self.kept:
            self.fill()
        line, self.kept = self.kept.split(b"\r\n", 1)
        return line + b"\r\n"

    def exactly(self, count):
        while len(self.kept) < count:
            self.fill()
        data, self.kept = self.kept[:count], self.kept[count:]
        return data

    def reply(self):
        """One whole reply or push, as bytes."""
        head = self.line()
        kind = head[:1]
        if kind in b"+-:_#,(":
            return head
        count = int(head[1:])
        if count < 0:
            return head
        if kind in b"$!=":
            return head + self.exactly(count + 2)
        if kind in b"*~>":
            return head + b"".join(self.reply() for _ in range(count))
        if kind == b"%":
            return head + b"".join(self.reply() for _ in range(2 * count))
        raise AssertionError(f"no reply: {head!r}")

    def rest(self):
        """Everything up to the end."""
        try:
            while True:
                self.fill()
        except (Closed, ConnectionResetError):
            return self.kept

    def ask(self, *words):
        self.send(request(*words))
        return self.reply()
