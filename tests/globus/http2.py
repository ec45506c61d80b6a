"""A server that speaks HTTP/2 (RFC 9113) and has one answer, as long as one likes, to whatever it is asked."""

import contextlib
import socket
import ssl
import struct
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_MAX = 16384
END_STREAM = ACK = 1
END_HEADERS = 4
DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
HEAD = b"\x88" + b"\x0f\x10" + b"\x10application/json"      # RFC 7541: status 200, content-type


class Http2:
    """Serves `body` at `url` until close(), in frames of `frame` bytes. Flow control is left to the client's
    windows being large."""

    def __init__(self, context: ssl.SSLContext, body: bytes, frame: int = FRAME_MAX):
        context.set_alpn_protocols(["h2"])
        self._context = context
        self._frames = [body[at:at + frame] for at in range(0, len(body), frame)]
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listening.getsockname()[1]}/"
        self.answered = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "Http2":
        return self

    def __exit__(self, *_exception) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), \
                self._context.wrap_socket(accepted, server_side=True) as connection:
            if _read(connection, len(PREFACE)) != PREFACE:
                return
            connection.sendall(_frame(SETTINGS))
            while True:
                size, kind, flags, stream = struct.unpack("!IBBI", b"\0" + _read(connection, 9))
                payload = _read(connection, size)
                if kind in (SETTINGS, PING) and not flags & ACK:
                    connection.sendall(_frame(kind, ACK, payload=payload if kind == PING else b""))
                elif kind == HEADERS:
                    connection.sendall(self._answer(stream))
                    self.answered += 1

    def _answer(self, stream: int) -> bytes:
        last = len(self._frames) - 1
        return _frame(HEADERS, END_HEADERS, stream, HEAD) + b"".join(
            _frame(DATA, END_STREAM if index == last else 0, stream, part)
            for index, part in enumerate(self._frames))


def _frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def _read(connection: ssl.SSLSocket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data
