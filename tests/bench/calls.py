"""GetToken on its socket, under load: against an echo of the same bytes, and against ssh-agent."""

import dataclasses
import json
import os
import pathlib
import statistics
import subprocess

from harness import PATIENCE

from .figures import Figure, ratio
from .world import GET_TOKEN, PROGRAMS, World, pin, places, raw_reply

ROUNDS = 41             # the first one connects and warms up
SLICES = {1: 40, 8: 40, 64: 80, 512: 160}       # milliseconds, by the number of clients


@dataclasses.dataclass
class Target:
    name: str
    process: subprocess.Popen | None        # None: it is where it belongs
    socket: pathlib.Path
    request: pathlib.Path
    ends: str = "nul"

    def __str__(self) -> str:
        return f"{self.socket},{self.ends},{self.request}"


@dataclasses.dataclass
class Setting:
    clients: int
    persistent: bool
    pinned: bool

    def __str__(self) -> str:
        words = ["1 client" if self.clients == 1 else f"{self.clients} clients",
                 "persistent" if self.persistent else "connect"]
        return ", ".join(words + ["one CPU"] * self.pinned)


class Slices(dict):
    """By the name of the target: what load.c told of each slice."""

    def column(self, name: str, what: str) -> list[float]:
        return [one[what] for one in self[name]]

    def rates(self, name: str) -> list[float]:
        return [one["calls"] / one["took"] * 1e9 for one in self[name]]

    def ratio(self, what: str, column: str, names: tuple[str, str], **rest: object) -> Figure:
        ours, floor = (self.column(name, column) for name in names)
        raw = " / ".join(f"{statistics.median(values) / 1000:.1f}" for values in (ours, floor)) + " µs"
        return ratio(what, ours, floor, raw=raw, **rest)

    def rate_ratio(self, what: str, names: tuple[str, str], **rest: object) -> Figure:
        ours, floor = (self.rates(name) for name in names)
        raw = " / ".join(f"{statistics.median(values) / 1000:.1f}" for values in (ours, floor)) + " k/s"
        return ratio(what, ours, floor, at_least=True, raw=raw, **rest)


def run(setting: Setting, targets: list[Target]) -> Slices:
    """On one CPU, or the servers on one and their clients on the others: which of the two a scheduler would do
    is a matter of luck."""
    servers, clients = places(setting.pinned)
    pin([target.process for target in targets if target.process], servers)
    done = subprocess.run(
        command(PROGRAMS / "load", setting, targets), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=PATIENCE * 4, preexec_fn=lambda: os.sched_setaffinity(0, clients))
    assert done.returncode == 0, f"{setting}: {done.stderr.strip()}"
    return read(done.stdout, setting, targets)


def command(load: pathlib.Path, setting: Setting, targets: list[Target]) -> list[str]:
    return [str(load), str(setting.clients), "persistent" if setting.persistent else "connect",
            str(SLICES[setting.clients]), str(ROUNDS), *map(str, targets)]


def read(told: str, setting: Setting, targets: list[Target]) -> Slices:
    """Without the first round."""
    slices = Slices({target.name: [] for target in targets})
    for line in told.splitlines()[len(targets):]:
        one = json.loads(line)
        name = targets[one["target"]].name
        assert not one["errors"], f"{setting}: {name}: {one}"
        slices[name].append(one)
    return slices


def targets_of(world: World) -> list[Target]:
    agent = world.new_login()
    found = [Target("agent", agent.process, agent.home.socket, world.request),
             Target("echo", *world.echo(raw_reply(agent)), world.request)]
    if peer := world.ssh_agent():
        found.append(Target("ssh-agent", *peer, world.list_keys, "length"))
    return found


def figures_of(setting: Setting, slices: Slices) -> list[Figure]:
    floor = ("agent", "echo")
    if setting.clients == 1:
        limit = (1.6 if setting.persistent else 1.3) if setting.pinned else None
        figures = [slices.ratio(f"{setting}: p50 / echo", "p50", floor, limit=limit)]
    else:
        limit = {64: 0.6 if setting.persistent else 0.7, 512: 0.6}.get(setting.clients)
        figures = [slices.rate_ratio(f"{setting}: calls / echo", floor, limit=limit)]
    if setting.clients == 512:
        figures += fairness(setting, slices)
    if "ssh-agent" in slices:
        figures.append(slices.ratio(f"{setting}: p50 / ssh-agent", "p50", ("agent", "ssh-agent"), limit=1.0))
    return figures


def fairness(setting: Setting, slices: Slices) -> list[Figure]:
    def shares(name: str) -> list[float]:
        return [one["slowest"] * setting.clients / one["calls"] for one in slices[name]]

    def tail(name: str) -> list[float]:
        return [one["p99"] / one["p50"] for one in slices[name]]

    return [
        Figure(f"{setting}: p99 / p50", statistics.median(tail("agent")), 3.0,
               raw=f"echo: {statistics.median(tail('echo')):.2f}"),
        Figure(f"{setting}: slowest / mean client", statistics.median(shares("agent")), 0.8, at_least=True,
               raw=f"echo: {statistics.median(shares('echo')):.2f}")]


def measure(world: World) -> list[Figure]:
    targets = targets_of(world)
    figures = []
    for clients in SLICES:
        for persistent in (True, False):
            for pinned in (True, False):
                setting = Setting(clients, persistent, pinned)
                figures += figures_of(setting, run(setting, targets))
    return figures


__all__ = ["GET_TOKEN", "Setting", "Slices", "Target", "command", "measure", "read", "run"]
