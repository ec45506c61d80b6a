"""A proxy as institutions have them: tunnels by CONNECT (RFC 9110 section 9.3.6), when it likes."""

import enum
import select
import socket
import socketserver
import threading

from .door import Door

BLOCK = 65536
HEAD_LIMIT = 16384
TIMEOUT = 60


class Manner(enum.Enum):
    """What it answers."""

    TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"
    FORBID = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    CHALLENGE = (b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="campus"\r\n'
                 b"Content-Length: 0\r\n\r\n")
    OVERLOAD = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    SILENCE = b""
    HANG_UP = None


class Proxy(Door):
    """`targets` are those that it was asked for, in order."""

    def __init__(self) -> None:
        self.manner = Manner.TUNNEL
        self.targets: list[str] = []
        self._changed = threading.Event()
        super().__init__(0, _Client)
        self.url = f"http://127.0.0.1:{self.port}"

    def behave(self, manner: Manner) -> None:
        """From now on, and to those who are connected."""
        self.manner = manner
        self._changed.set()
        self._changed = threading.Event()
        self.hang_up()

    def close(self) -> None:
        self.behave(Manner.HANG_UP)
        super().close()

    def changed(self) -> threading.Event:
        return self._changed

    def handle_error(self, request, client_address) -> None:
        pass                                # clients hang up, and so do servers


class _Client(socketserver.StreamRequestHandler):
    server: Proxy
    timeout = TIMEOUT

    def handle(self) -> None:
        manner, changed = self.server.manner, self.server.changed()
        target = self._read_target()
        self.server.targets.append(target)
        if manner is Manner.SILENCE:
            changed.wait(TIMEOUT)
        elif manner is Manner.TUNNEL:
            host, _, port = target.rpartition(":")
            with socket.create_connection((host, int(port)), TIMEOUT) as upstream:
                self.connection.sendall(manner.value)
                _join(self.connection, upstream)
        elif manner is not Manner.HANG_UP:
            self.connection.sendall(manner.value)

    def _read_target(self) -> str:
        method, target, _version = self.rfile.readline(HEAD_LIMIT).decode("latin-1").split()
        if method != "CONNECT":
            raise ConnectionAbortedError(f"{method} is no CONNECT")
        while self.rfile.readline(HEAD_LIMIT).strip():
            pass
        return target


def _join(one: socket.socket, other: socket.socket) -> None:
    """Until either side ends."""
    while True:
        for readable in select.select([one, other], [], [])[0]:
            data = readable.recv(BLOCK)
            if not data:
                return
            (other if readable is one else one).sendall(data)
