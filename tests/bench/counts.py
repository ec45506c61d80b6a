"""What a call of GetToken takes where no clock is needed: instructions, by callgrind, and system calls.

A server answers few calls in one run and many in another: the difference is the price of those between.
"""

import pathlib
import re
import select
import shutil
import time

from harness import PATIENCE, Agent
from varlink import Connection

from .figures import Figure
from .world import GET_TOKEN, World, raw_reply

FEW, MANY = 200, 2200
PROFILES = 1000
RATIO = pathlib.Path(__file__).with_name("instructions")
GROWTH = 1.1


def call(path: pathlib.Path, times: int) -> None:
    with Connection(path) as connection:
        for _ in range(times):
            connection.send_bytes(GET_TOKEN)
            assert b"access_token" in connection.receive_bytes()


def of_agent(world: World, agent: Agent, under: list, read) -> float:
    """It must not be running, and is not afterwards."""
    costs = []
    for times in FEW, MANY:
        world.start(agent, under=under)
        call(agent.home.socket, times)
        agent.stop()
        costs.append(read())
    return (costs[1] - costs[0]) / (MANY - FEW)


def of_echo(world: World, reply: bytes, under: list, read) -> float:
    costs = []
    for times in FEW, MANY:
        process, path = world.echo(reply, under)
        call(path, times)
        process.terminate()
        process.wait()
        costs.append(read())
        path.unlink()
    return (costs[1] - costs[0]) / (MANY - FEW)


class Callgrind:
    def __init__(self, world: World):
        self._file = world.files / "callgrind"
        self.under = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={self._file}"]

    def read(self) -> float:
        return float(re.search(r"^(?:summary|totals): (\d+)", self._file.read_text(), re.MULTILINE)[1])


class Strace:
    _TOTAL = re.compile(r"^100\.00 +\S+ +\S+ +(\d+) .*total$", re.MULTILINE)

    def __init__(self, world: World):
        self._file = world.files / "strace"
        self.under = ["strace", "-D", "-qq", "-f", "-c", "-o", self._file]

    def read(self) -> float:
        """It writes when the daemon has ended, and ends then itself."""
        deadline = time.monotonic() + PATIENCE
        while not (total := self._TOTAL.search(self._file.read_text())):
            assert time.monotonic() < deadline, "strace tells nothing"
            select.select([], [], [], 0.02)
        self._file.unlink()
        return float(total[1])


def instructions(world: World) -> tuple[Agent, float, float]:
    """An agent that is not running, its instructions a call, and those of the echo."""
    callgrind = Callgrind(world)
    agent = world.new_login()
    reply = raw_reply(agent)
    agent.stop()
    return (agent, of_agent(world, agent, callgrind.under, callgrind.read),
            of_echo(world, reply, callgrind.under, callgrind.read))


def measure(world: World) -> list[Figure]:
    agent, ours, floor = instructions(world)
    world.multiply(agent, PROFILES - 1)
    callgrind = Callgrind(world)
    crowd = of_agent(world, agent, callgrind.under, callgrind.read)
    figures = [
        Figure("instructions of GetToken / echo", ours / floor, raw=f"{ours:.0f} / {floor:.0f}"),
        Figure(f"instructions with {PROFILES} profiles / one", crowd / ours, 1.05,
               raw=f"{crowd:.0f} / {ours:.0f}")]
    if not shutil.which("strace"):
        print("\nSystem calls: left out, for strace is not installed")
        return figures
    strace = Strace(world)
    calls = of_agent(world, agent, strace.under, strace.read)
    return [*figures, Figure("system calls of GetToken, persistent", calls, 5.0)]


def check(world: World) -> int:
    """Fails when GetToken takes more instructions, as a multiple of those of the echo, than it did."""
    _, ours, floor = instructions(world)
    allowed = float(RATIO.read_text()) * GROWTH
    found = ours / floor
    print(f"GetToken takes {ours:.0f} instructions, {found:.1f} times those of an echo ({floor:.0f}); "
          f"at most {allowed:.1f} times are allowed")
    if found <= allowed:
        return 0
    print(f"That is too much. If it has to be: write {found:.1f} to {RATIO.name} in tests/bench, and say why")
    return 1


__all__ = ["check", "measure"]
