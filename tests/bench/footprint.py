"""Private memory of the daemon, as the unit would run it. The daemon is not dumpable: only root sees this."""

import os
import pathlib
import re
import subprocess

from harness import Agent
from varlink import message

from .figures import Figure, LeftOut
from .world import World, raw_reply

CONNECTIONS = 900
GROUPS = 10000
MIB = 1024 * 1024


def private_dirty(process: subprocess.Popen) -> int:
    """Bytes."""
    text = pathlib.Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    return int(re.search(r"^Private_Dirty: +(\d+) kB$", text, re.MULTILINE)[1]) * 1024


def measure(world: World) -> list[Figure]:
    if os.geteuid() != 0:
        raise LeftOut("only root may look")
    agent = world.new_login()
    agent.stop()
    world.start(agent)
    figures = [mebibytes("private memory before the first TLS request", private_dirty(agent.process), 2.25)]
    agent.ctl("groups").ok()
    figures.append(mebibytes("private memory after it", private_dirty(agent.process), 3.0))
    if peer := world.ssh_agent():
        figures.append(mebibytes("private memory of ssh-agent", private_dirty(peer[0])))
    return [*figures, idle_connections(agent), groups(world, agent)]


def mebibytes(what: str, size: int, limit: float | None = None) -> Figure:
    return Figure(what, size / MIB, limit, unit=" MiB")


def idle_connections(agent: Agent) -> Figure:
    """Each has made a call."""
    before = private_dirty(agent.process)
    connections = [agent.connect() for _ in range(CONNECTIONS)]
    for connection in connections:
        connection.call("GetToken")
    grown = private_dirty(agent.process) - before
    for connection in connections:
        connection.close()
    return Figure("memory of an idle connection", grown / CONNECTIONS / 1024, 4.0, unit=" KiB",
                  raw=f"{CONNECTIONS} of them")


def groups(world: World, agent: Agent) -> Figure:
    before = private_dirty(agent.process)
    world.globus.make_groups(GROUPS)
    size = len(raw_reply(agent, message("org.globus.Agent.ListGroups", {"max_age": 0})))
    grown = private_dirty(agent.process) - before
    return Figure(f"{GROUPS} groups cached / their JSON", grown / size, 1.5,
                  raw=f"{grown / MIB:.2f} / {size / MIB:.2f} MiB")
