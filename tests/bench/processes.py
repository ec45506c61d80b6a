"""Whole processes: commands from their start to their end, and the daemon from its start until it serves."""

import json
import os
import shutil
import statistics
import subprocess

from harness import CLIENT, DAEMON, Agent
from varlink import message

from .figures import Figure, difference, ratio
from .world import PROGRAMS, World, one_cpu, pin, raw_reply, unit_environment

ROUNDS = 41             # the first one warms up
SLICE = 100             # milliseconds
SLICE_LONG = 200        # of what takes long itself
GROUPS = 5000
PROFILES = 1000


def run(until: str, slice_msec: int, commands: list[list], environment: dict[str, str]) -> list[list[float]]:
    """The medians of the slices of each command, in milliseconds."""
    words = [str(word) for command in commands for word in ("--", *command)]
    done = subprocess.run([PROGRAMS / "spawn", until, str(slice_msec), str(ROUNDS), *words], check=True,
                          text=True, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          preexec_fn=lambda: os.sched_setaffinity(0, one_cpu()))
    medians = [[] for _ in commands]
    for line in done.stdout.splitlines()[len(commands):]:
        one = json.loads(line)
        medians[one["target"]].append(one["p50"] / 1e6)
    return medians


def raw(*columns: list[float]) -> str:
    return " / ".join(f"{statistics.median(column):.2f}" for column in columns) + " ms"


def commands(world: World) -> list[Figure]:
    agent = world.new_login()
    pin([agent.process], one_cpu())
    return token(world, agent) + groups(world, agent)


def token(world: World, agent: Agent) -> list[Figure]:
    compared = [[CLIENT, "token"], [PROGRAMS / "minimal", agent.home.socket, world.request]]
    peer = world.ssh_agent()
    if peer:
        pin([peer[0]], one_cpu())
        compared.append([f"SSH_AUTH_SOCK={peer[1]}", shutil.which("ssh-add"), "-l"])
    ours, floor, *others = run("end", SLICE, compared, agent.home.environment())
    figures = [ratio("token / minimal C client", ours, floor, limit=1.35, raw=raw(ours, floor))]
    return figures + [ratio("token / ssh-add -l", ours, other, limit=1.0, raw=raw(ours, other))
                      for other in others]


def groups(world: World, agent: Agent) -> list[Figure]:
    world.globus.make_groups(GROUPS)
    listing = world.write("listing", raw_reply(agent, message("org.globus.Agent.ListGroups", {"max_age": 0})))
    ours, floor = run("end", SLICE_LONG, [[CLIENT, "groups"], [PROGRAMS / "listing", listing]],
                      agent.home.environment())
    return [ratio(f"groups, {GROUPS} of them / json-c program", ours, floor, limit=1.3, raw=raw(ours, floor))]


def starts(world: World) -> list[Figure]:
    agent, crowd = world.new_login(), world.new_login()
    for one in agent, crowd:
        one.stop()
    world.multiply(crowd, PROFILES - 1)
    environment = agent.home.environment() | unit_environment()
    ours, floor, many = run("ready", SLICE_LONG // 2,
                            [start_of(agent), [PROGRAMS / "ready"], start_of(crowd)], environment)
    return [
        difference("start to readiness, beyond the same libraries", ours, floor, limit=4.0, unit=" ms",
                   raw=raw(ours, floor)),
        difference(f"start with {PROFILES} profiles, beyond one", many, ours, limit=50.0, unit=" ms",
                   raw=raw(many, ours))]


def start_of(agent: Agent) -> list:
    return [*(f"{name}={value}" for name, value in agent.home.environment().items()),
            DAEMON, "--socket", agent.home.socket, "--ready-fd", "3"]
