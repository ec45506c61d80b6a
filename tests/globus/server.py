"""HTTPS as Globus speaks it, HTTP/1.1 with connections kept alive, and the faults of the line."""

import http.server
import json
import os
import socket
import ssl
import struct
import sys
import threading
import urllib.parse
from collections.abc import Callable

from .door import Door
from .faults import Kind, Line, Trouble
from .wire import FORM, Reply, Request, http_date, json_reply, parameters

TIMEOUT = 60                    # seconds for which a silent connection is kept
BODY_LIMIT = 1 << 20


class Listener(Door):
    """One host of Globus."""

    def __init__(self, globus, service: str, port: int, context: ssl.SSLContext):
        self.globus = globus
        self.service = service              # "auth" or "groups"
        self.line = Line.GOOD
        self.mended = threading.Event()
        self._good = self._context = context
        super().__init__(port, Connection)
        self.url = f"https://{globus.host}:{self.port}/"

    def fall(self, line: Line, context: ssl.SSLContext | None = None) -> None:
        """Whoever is connected is cut off. The certificate is that of `context`, if there is one."""
        self.mend()
        self.mended.clear()
        self.line = line
        self._context = context or self._good
        if line is Line.REFUSED:
            self.shut()
        self.hang_up()

    def mend(self) -> None:
        self.line = Line.GOOD
        self._context = self._good
        self.open()
        self.mended.set()

    def close(self) -> None:
        self.mend()
        super().close()

    def get_request(self):
        accepted, address = self.socket.accept()
        accepted.settimeout(TIMEOUT)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False), address

    def shutdown_request(self, request) -> None:
        super().shutdown_request(request)
        self.globus.journal.stir()

    def handle_error(self, request, client_address) -> None:
        if not isinstance(sys.exc_info()[1], OSError):      # clients may hang up, and may distrust us
            self.globus.note_bug()


class Connection(http.server.BaseHTTPRequestHandler):
    """One client's connection."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def setup(self) -> None:
        if self.server.line is Line.SILENT:
            self.server.mended.wait(TIMEOUT)
            raise ConnectionAbortedError
        if self.server.line is Line.RESET:
            _reset(self.request)
            raise ConnectionResetError
        self.request.do_handshake()
        super().setup()

    def log_message(self, *_args) -> None:
        pass                                # the journal knows, and a log would tell codes

    def _serve(self) -> None:
        globus = self.server.globus
        request = self._read()
        if request is None:
            self.close_connection = True
            return

        faults = globus.faults.of(request.names)
        globus.journal.arrived(request)
        for fault in faults:
            fault.wait_in_line()
        trouble = next(filter(None, (fault.next() for fault in faults)), None)

        if trouble and trouble.kind in _UNASKED:
            reply = trouble.reply or Reply(0)
        else:
            reply = globus.answer(self.server.service, request)
        try:
            _DELIVER.get(trouble.kind if trouble else None, Connection._send)(self, reply, trouble)
        finally:
            globus.journal.answered(request, reply.status)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _serve

    def _read(self) -> Request | None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > BODY_LIMIT or "Transfer-Encoding" in self.headers:
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            return None

        target = urllib.parse.urlsplit(self.path)
        query = parameters(target.query)
        is_form = self.headers.get("Content-Type", "").split(";")[0].strip().lower() == FORM
        form = parameters(body.decode("utf-8", "replace")) if is_form else []
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = urllib.parse.unquote(target.path)
        names = self.server.globus.names(self.server.service, self.command, path, dict(form))
        return Request(names, self.command, path, dict(query), dict(form), headers, query, form)

    def _head(self, reply: Reply, framing: str) -> bytes:
        phrase = self.responses.get(reply.status, ("Unknown",))[0]
        skew = self.server.globus.knobs.skew
        fields = {"Date": http_date(skew), "Content-Type": reply.content_type} | reply.headers
        lines = [f"{name}: {value}" for name, value in fields.items()]
        head = [f"HTTP/1.1 {reply.status} {phrase}", *lines, framing, "", ""]
        return "\r\n".join(head).encode("latin-1", "replace")

    def _send(self, reply: Reply, _trouble: Trouble | None = None) -> None:
        body = b"" if self.command == "HEAD" else reply.body
        self.wfile.write(self._head(reply, f"Content-Length: {len(reply.body)}") + body)

    def _send_mislabelled(self, reply: Reply, trouble: Trouble) -> None:
        self._send(Reply(reply.status, reply.body, trouble.content_type, reply.headers))

    def _send_bent(self, reply: Reply, trouble: Trouble) -> None:
        self._send(json_reply(trouble.change(json.loads(reply.body)), reply.status))

    def _send_half(self, reply: Reply, _trouble: Trouble) -> None:
        self._send(Reply(reply.status, reply.body[:len(reply.body) // 2], reply.content_type, reply.headers))

    def _send_chunked(self, reply: Reply, trouble: Trouble) -> None:
        self.wfile.write(self._head(reply, "Transfer-Encoding: chunked"))
        for start in range(0, len(reply.body), trouble.chunk):
            chunk = reply.body[start:start + trouble.chunk]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def _break_off(self, reply: Reply, _trouble: Trouble) -> None:
        half = reply.body[:len(reply.body) // 2]
        self.wfile.write(self._head(reply, f"Content-Length: {len(reply.body)}") + half)
        self.close_connection = True

    def _stall(self, reply: Reply, trouble: Trouble) -> None:
        self._break_off(reply, trouble)
        trouble.over.wait()

    def _ignore(self, _reply: Reply, trouble: Trouble) -> None:
        trouble.over.wait()
        self.close_connection = True

    def _send_head_and_reset(self, reply: Reply, trouble: Trouble) -> None:
        self.wfile.write(self._head(reply, f"Content-Length: {len(reply.body)}"))
        self._reset(reply, trouble)

    def _flood(self, reply: Reply, trouble: Trouble) -> None:
        self.wfile.write(self._head(reply, f"Content-Length: {trouble.size}") + reply.body)
        left = trouble.size - len(reply.body)
        while left > 0:                     # until the client has enough of it
            left -= self.wfile.write(trouble.unit[:left])

    def _reset(self, _reply: Reply, _trouble: Trouble) -> None:
        _reset(self.connection)
        self.close_connection = True


_UNASKED = (Kind.ANSWER, Kind.BLACK_HOLE, Kind.RESET, Kind.FLOOD)

_DELIVER: dict[Kind | None, Callable[[Connection, Reply, Trouble | None], None]] = {
    Kind.CONTENT_TYPE: Connection._send_mislabelled,
    Kind.BENT: Connection._send_bent,
    Kind.TRUNCATE: Connection._send_half,
    Kind.CHUNKED: Connection._send_chunked,
    Kind.CLOSE_MIDBODY: Connection._break_off,
    Kind.STALL_MIDBODY: Connection._stall,
    Kind.BLACK_HOLE: Connection._ignore,
    Kind.RESET: Connection._reset,
    Kind.RESET_AFTER_HEAD: Connection._send_head_and_reset,
    Kind.FLOOD: Connection._flood,
}


def _reset(connection: ssl.SSLSocket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())
