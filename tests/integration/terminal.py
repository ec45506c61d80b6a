"""A terminal, with globus-agentctl in front of it and a person at the keys."""

import os
import pty
import select
import termios
import time

from harness import PATIENCE

LEADER = ("setsid", "--ctty")       # makes stdin the controlling terminal


class Terminal:
    """One that outlives what runs on it."""

    def __init__(self):
        self._screen, self._other_side = pty.openpty()
        self.shown = ""
        self._seen = 0

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_exception) -> None:
        os.close(self._screen)
        os.close(self._other_side)

    def run(self, agent, *arguments: object, script: str | None = None, **streams: object):
        """The command; with a script bash runs that, and the command is its "$@"."""
        shell = ("bash", "--norc", "-c", script, "bash") if script else ()
        here = {"stdin": self._other_side, "stdout": self._other_side, "stderr": self._other_side}
        return agent.spawn(*arguments, under=(*LEADER, *shell), **(here | streams))

    def expect(self, words: str) -> None:
        """Until it is shown, behind what was expected before."""
        while (found := self.shown.find(words, self._seen)) < 0:
            assert select.select([self._screen], [], [], PATIENCE)[0], f"no {words!r}, but {self.shown!r}"
            self.shown += os.read(self._screen, 4096).decode()
        self._seen = found + len(words)

    def type(self, keys: str) -> None:
        os.write(self._screen, keys.encode())

    def wait_for_echo(self) -> None:
        """Nobody tells us of it, so it is asked for."""
        deadline = time.monotonic() + PATIENCE
        while not self.echoes:
            assert time.monotonic() < deadline, "the echo stays off"
            select.select([], [], [], 0.01)

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._screen)[3] & termios.ECHO)
