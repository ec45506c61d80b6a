"""Kills the daemon on its way into every system call of an operation, one by one, and asks what is left."""

import collections
import concurrent.futures
import copy
import itertools
import pathlib
import shutil
import socket
import threading

from globus import Globus
from globus.state import Ledger
from harness import BUILD, DAEMON, PATIENCE, Agent, Home
from varlink import Closed

TRACER = BUILD / "tests" / "torture" / "trace-kill"
SANITIZED = b"libasan" in DAEMON.read_bytes()
THREADS = 3                     # each with a home and a stand-in: they wait more than they work
BEYOND = 3                      # points past the end: the number of calls differs a little from time to time


class Operation:
    """What is done to a world of which every crash is tried."""

    becomes: set[str]           # what becomes of it, in words: all of them, if the crashes are many enough

    def prepare(self, agent: Agent) -> None:
        """What was done before, and went well."""

    def begin(self, agent: Agent) -> object:
        """What does not count yet, for run()."""

    def run(self, agent: Agent, task: object) -> object:
        """The operation, which answers something true if it went well."""
        raise NotImplementedError

    def reach(self, agent: Agent) -> None:
        """Until what the daemon that came after has stored can be looked at."""
        state = agent.wait_for(lambda status: status["store"]["state"] != "opening")["store"]
        assert state["state"] in ("none", "open") and not state.get("error"), state

    def check(self, agent: Agent, ledger: Ledger, answer: object) -> str:
        """Of the daemon that came after, what became of it, in a word. `ledger` is the stand-in's before."""
        raise NotImplementedError


class World:
    """A home and a stand-in that rotates refresh tokens, put back before each point to how they were made."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.globus = Globus()
        self.globus.knobs.rotate = True
        self.globus.knobs.auto_approve = self.globus.ada
        self.home = Home()
        self._saved = self.home.root / "saved"

        agent = Agent(self.home, self.globus).start()
        operation.prepare(agent)
        agent.stop()
        self.ledger = self.globus.ledger
        for directory in self._directories():
            shutil.copytree(directory, self._saved / directory.name)

    def close(self) -> None:
        self.home.remove()
        self.globus.close()

    def point(self, number: int) -> str | None:
        """What became of it, in a word of the operation's; None beyond its end."""
        self._reset()
        agent = Agent(self.home)
        agent.globus = self.globus
        call = None
        try:
            call, answer = self._strike(agent, number)
            self.globus.wait_idle(PATIENCE)
            agent.start()
            self.operation.reach(agent)
            word = self.operation.check(agent, self.ledger, answer)
            agent.stop()
        except Exception as failed:
            raise AssertionError(f"point {number}, system call {call}: {failed}\n{agent.log}") from failed
        finally:
            if agent.process:
                agent.kill()
        return word if call is not None else None

    def _strike(self, agent: Agent, number: int) -> tuple[int | None, object]:
        """The system call before which it died, None if it did not, and what the operation answered."""
        ours, theirs = socket.socketpair()
        with ours, ours.makefile("rb") as lines:
            with theirs:
                start_traced(agent, number, theirs)
            task = self.operation.begin(agent)
            ours.sendall(b"begin\n")
            assert lines.readline() == b"begun\n"
            try:
                answer = self.operation.run(agent, task)
            except (Closed, ConnectionError):
                answer = None
            ours.shutdown(socket.SHUT_WR)
            word, count = lines.readline().split()
            assert lines.read() == b"", "the tracer talks on"
        agent.process.wait(PATIENCE)
        agent.process = None
        return int(count) if word == b"killed" else None, answer

    def _directories(self) -> list[pathlib.Path]:
        return [self.home.state_home, self.home.config_home]

    def _reset(self) -> None:
        self.globus.ledger = copy.deepcopy(self.ledger)
        (self.home.root / "daemon.log").unlink(missing_ok=True)
        for directory in self._directories():
            shutil.rmtree(directory)
            shutil.copytree(self._saved / directory.name, directory)


def start_traced(agent: Agent, number: int, control: socket.socket) -> None:
    under = TRACER, str(number), str(control.fileno())
    agent.start(under=under, pass_fds=(control.fileno(),))


def may_trace(agent: Agent) -> bool:
    """Some machines allow nobody to trace, not even one's own children."""
    assert TRACER.exists(), "it is not built: make unit-programs"
    ours, theirs = socket.socketpair()
    with ours, theirs:
        try:
            start_traced(agent, 0, theirs)
        except AssertionError:
            if "trace-kill: ptrace:" in agent.log:
                return False
            raise
    agent.kill()
    return True


def every_point(operation: Operation, first: int = 1, step: int = 1) -> collections.Counter:
    """How often it became what. Points are handed out in order to as many worlds as there are threads. Under a
    sanitizer, which slows all down, only some are run: it is there to watch who reads the remains."""
    numbers = itertools.count(first, step * 3 if SANITIZED else step)
    beyond = threading.Semaphore(BEYOND - 1)
    over = threading.Event()

    def work() -> collections.Counter:
        words = collections.Counter()
        world = World(operation)
        try:
            while not over.is_set():
                word = world.point(next(numbers))
                if word is not None:
                    words[word] += 1
                elif not beyond.acquire(blocking=False):
                    over.set()
        finally:
            over.set()
            world.close()
        return words

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        results = [pool.submit(work) for _ in range(THREADS)]
        return sum((result.result() for result in results), collections.Counter())


__all__ = ["Operation", "every_point", "may_trace"]
