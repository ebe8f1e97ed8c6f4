"""Clients of the measurements: plain sockets that only say what must be said."""

import socket
import struct


class Client:
    """Logs in by trust and answers nothing but that; blocking, with a limit on every wait."""

    def __init__(self, port, name, seconds=30.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        body = struct.pack("!I", 0x00030000) + b"".join(
            part.encode() + b"\0" for part in ("user", name, "database", name)) + b"\0"
        self.socket.sendall(struct.pack("!I", len(body) + 4) + body)
        self._read_until_ready()

    def query(self, text):
        """Sends a simple query and reads its whole answer."""
        body = text.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)
        self._read_until_ready()

    def drain(self, text, buffer_bytes=1024 * 1024):
        """As query(), for large answers: counts the bytes and looks at the last six only."""
        body = text.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)
        buffer = bytearray(buffer_bytes)
        view, total, last = memoryview(buffer), 0, b""
        while True:
            count = self.socket.recv_into(view)
            if count == 0:
                raise ConnectionError("the proxy closed while it answered")
            total += count
            last = (last + bytes(view[max(0, count - 6):count]))[-6:]
            if last == b"Z\0\0\0\x05I":
                return total

    def close(self):
        try:
            self.socket.sendall(b"X\0\0\0\x04")
        except OSError:
            pass
        self.socket.close()

    def _read_until_ready(self):
        received = b""
        while True:
            chunk = self.socket.recv(16384)
            if not chunk:
                raise ConnectionError("the proxy closed")
            received += chunk
            position = 0
            while len(received) - position >= 5:
                kind = received[position:position + 1]
                length = struct.unpack_from("!I", received, position + 1)[0]
                if len(received) - position < length + 1:
                    break
                if kind == b"E":
                    raise ConnectionError(received[position + 5:position + 1 + length]
                                          .replace(b"\0", b" ").decode(errors="replace"))
                if kind == b"R" and received[position + 5:position + 9] != b"\0\0\0\0":
                    raise ConnectionError("the proxy asks for a password")
                position += length + 1
                if kind == b"Z":
                    return
            received = received[position:]


def answered(port, name, seconds=30.0):
    """A client that has been through to the database."""
    client = Client(port, name, seconds)
    client.query("SELECT 1")
    return client


def answers(port, name):
    """Whether one gets through."""
    try:
        answered(port, name, 5.0).close()
        return True
    except OSError:
        return False
