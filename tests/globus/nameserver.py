"""A name server (RFC 1035) that knows one address for every name, or none, or says nothing at all."""

import contextlib
import enum
import socket
import struct
import threading

HEAD = struct.Struct("!6H")
ANSWER_FLAGS = 0x8180           # an answer, and recursion was wanted and is done
TYPE_A, CLASS_IN = 1, 1


class Knowledge(enum.Enum):
    HERE = 0                    # 127.0.0.1
    BROKEN = 2                  # SERVFAIL
    NO_SUCH_NAME = 3            # NXDOMAIN
    SILENCE = None


class NameServer:
    """At port 53 of `address`, which is a loopback address. OSError where that may not be."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.knowledge = Knowledge.HERE
        self.questions = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((address, 53))
        except OSError:
            self._socket.close()
            raise
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @classmethod
    def anywhere(cls) -> "NameServer":
        """At an address where nobody else is."""
        for last in range(2, 250):
            with contextlib.suppress(OSError):
                return cls(f"127.0.53.{last}")
        raise OSError("there is no free loopback address with a port 53")

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (self.address, 53))        # wakes the thread, and ends it
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            message, client = self._socket.recvfrom(512)
            if not message:
                return
            self.questions += 1
            if self.knowledge is not Knowledge.SILENCE:
                self._socket.sendto(_answer(message, self.knowledge), client)


def _answer(message: bytes, knowledge: Knowledge) -> bytes:
    """To the one question, of which the name is repeated by a pointer."""
    end = message.index(b"\0", HEAD.size) + 5
    question = message[HEAD.size:end]
    kind = struct.unpack("!H", question[-4:-2])[0]
    known = knowledge is Knowledge.HERE and kind == TYPE_A
    head = HEAD.pack(struct.unpack("!H", message[:2])[0], ANSWER_FLAGS | knowledge.value, 1, int(known), 0, 0)
    record = struct.pack("!HHHIH4s", 0xC000 | HEAD.size, TYPE_A, CLASS_IN, 0, 4, socket.inet_aton("127.0.0.1"))
    return head + question + (record if known else b"")
