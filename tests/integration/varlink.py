"""A Varlink client, written from the specification (UAPI.20, varlink.org) alone."""

import json
import socket

REPLY_MEMBERS = {"parameters", "continues", "error"}
TIMEOUT = 20.0


class VarlinkError(Exception):
    """The error that a call was answered with. `short` is its name without the interface."""

    def __init__(self, name: str, parameters: dict):
        super().__init__(f"{name} {json.dumps(parameters)}")
        self.name = name
        self.short = name.rpartition(".")[2]
        self.parameters = parameters


class Closed(Exception):
    """The other side ended the connection; `rest` is what it said of a message that it did not end."""

    def __init__(self, rest: bytes):
        super().__init__(f"closed after {rest!r}")
        self.rest = rest


class Connection:
    """One to the agent. With an interface every reply to a call is checked against what it promises. `overhear`
    is given what every error says."""

    def __init__(self, path, interface=None, timeout: float = TIMEOUT, overhear=None):
        self.interface = interface
        self._overhear = overhear
        self._read = bytearray()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(timeout)
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def set_timeout(self, seconds: float) -> None:
        self._socket.settimeout(seconds)

    def end_sending(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    # Messages

    def send_bytes(self, data: bytes) -> None:
        self._socket.sendall(data)

    def send(self, method: str, parameters: dict | None = None, **flags: bool) -> None:
        self.send_bytes(message(method, parameters, **flags))

    def receive_bytes(self) -> bytes:
        """The next message, without its NUL."""
        while (end := self._read.find(0)) < 0:
            data = self._socket.recv(65536)
            if not data:
                raise Closed(bytes(self._read))
            self._read += data
        found = bytes(self._read[:end])
        del self._read[:end + 1]
        return found

    def receive(self) -> dict:
        """The next message, which is a reply as the specification has it."""
        reply = strict_json(self.receive_bytes().decode("utf-8"))
        assert isinstance(reply, dict) and reply.keys() <= REPLY_MEMBERS, reply
        assert isinstance(reply.get("continues", False), bool)
        assert isinstance(reply.get("error", ""), str)
        assert isinstance(reply.get("parameters", {}), dict | None)
        return reply

    def result(self, method: str | None = None) -> dict:
        """The parameters of the next reply, the last one to the call. VarlinkError if it is an error."""
        reply = self.receive()
        parameters = reply.get("parameters") or {}
        assert not reply.get("continues"), reply
        if "error" in reply:
            if self._overhear:
                self._overhear(json.dumps(reply))
            if self.interface:
                self.interface.check_error(reply["error"], parameters)
            raise VarlinkError(reply["error"], parameters)
        if self.interface and method:
            self.interface.check_reply(method, parameters)
        return parameters

    def is_silent(self) -> bool:
        """Nothing has come that was not read, which says little of what is still to come."""
        return not self._read and not _readable(self._socket)

    def is_closed(self) -> bool:
        """Waits until the other side closes the connection; False if it says something before."""
        try:
            self.receive_bytes()
        except (Closed, ConnectionResetError):
            return True
        return False

    # Calls

    def call(self, method: str, **parameters: object) -> dict:
        """A method without a dot is one of the interface's."""
        if "." not in method:
            method = f"{self.interface.name}.{method}"
        self.send(method, parameters)
        return self.result(method)

    def error(self, method: str, **parameters: object) -> VarlinkError:
        """The error that this call is answered with; anything else is a failure."""
        try:
            answer = self.call(method, **parameters)
        except VarlinkError as error:
            return error
        raise AssertionError(f"{method} worked: {sorted(answer)}")


def message(method: str, parameters: dict | None = None, **flags: bool) -> bytes:
    call = {"method": method}
    if parameters is not None:
        call["parameters"] = parameters
    return json.dumps(call | flags).encode() + b"\0"


def strict_json(text: str) -> object:
    """RFC 8259 and nothing more: no duplicate members, no NaN."""
    return json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_constant)


def _distinct(pairs: list[tuple[str, object]]) -> dict:
    assert len({name for name, _ in pairs}) == len(pairs), f"a member is repeated: {pairs}"
    return dict(pairs)


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def _readable(a_socket: socket.socket) -> bool:
    a_socket.setblocking(False)
    try:
        return bool(a_socket.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        a_socket.settimeout(TIMEOUT)
