"""An agent that is played: it locks and unlocks, as the interface has it, and does nothing else."""

import json
import socket
import threading
import time

from harness import Agent

INTERFACE = "org.globus.Agent."


class Played(Agent):
    """`calls` are those that came. Behind a wrong passphrase none is looked at for `pause` seconds."""

    def __init__(self, home, passphrase: str | None = None, pause: int = 0):
        super().__init__(home)
        self.passphrase = passphrase
        self.pause = pause
        self.calls: list[tuple[str, dict]] = []
        self.refused: list[str] = []        # what was not looked at
        self.locked = passphrase is not None
        self._retry_at = 0
        home.socket.parent.mkdir(mode=0o700)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(home.socket))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def calls_of(self, method: str) -> list[dict]:
        return [parameters for name, parameters in self.calls if name == method]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                message = b""
                while not message.endswith(b"\0"):
                    message += connection.recv(65536)
                call = json.loads(message[:-1])
                name, parameters = call["method"].removeprefix(INTERFACE), call.get("parameters", {})
                self.calls.append((name, parameters))
                connection.sendall(json.dumps(getattr(self, f"_{name}")(**parameters)).encode() + b"\0")

    def _GetStatus(self) -> dict:
        state = "locked" if self.locked else "open"
        return {"parameters": {"store": {
            "path": "/s", "state": state, "protector": "passphrase", "protection": "with a passphrase",
            "saved": True, "needs_passphrase": self.locked}}}

    def _Lock(self, passphrase: str | None = None, force: bool = False) -> dict:
        self.passphrase, self.locked = passphrase, True
        return {}

    def _Unlock(self, passphrase: str | None = None) -> dict:
        if passphrase is None:
            return {"error": INTERFACE + "Locked", "parameters": {"message": "It is locked"}}
        if time.time() < self._retry_at:
            self.refused.append(passphrase)
        elif passphrase == self.passphrase:
            self.locked = False
            return {}
        else:
            self._retry_at = int(time.time()) + self.pause if self.pause else 0
        return {"error": INTERFACE + "WrongPassphrase", "parameters": {
            "message": "The passphrase is wrong", "retry_at": self._retry_at}}

    def _SetKey(self, protector: str, passphrase: str | None = None, force: bool = False) -> dict:
        self.passphrase = passphrase
        return {"parameters": {"protector": protector, "protection": "in words"}}
