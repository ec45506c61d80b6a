"""What the measurements need: agents as the unit would run them, with logins, and the floors."""

import contextlib
import os
import pathlib
import re
import select
import shutil
import subprocess

from globus import Globus
from harness import BUILD, DAEMON, PATIENCE, TESTS, Agent, Home
from varlink import message

PROGRAMS = BUILD / "tests/bench"
UNIT = TESTS.parent / "systemd/globus-agent.service.in"
SERVICES = ("auth", "groups", "transfer", "search")
GET_TOKEN = message("org.globus.Agent.GetToken", {"resource": "groups", "timeout": 60})
LIST_KEYS = bytes([0, 0, 0, 1, 11])     # SSH_AGENTC_REQUEST_IDENTITIES
KEYS = 3


def unit_environment() -> dict[str, str]:
    """What the unit sets for the daemon."""
    return dict(re.findall(r"^Environment=(\w+)=(\S+)$", UNIT.read_text(), re.MULTILINE))


class World(contextlib.ExitStack):
    """Everything that is started for the measurements, and stopped at the end."""

    def __init__(self):
        super().__init__()
        self.globus = self.enter_context(Globus())
        self.files = self.new_home().root
        self.request = self.write("request", GET_TOKEN)
        self.list_keys = self.write("list-keys", LIST_KEYS)

    def write(self, name: str, content: bytes) -> pathlib.Path:
        path = self.files / name
        path.write_bytes(content)
        return path

    # Agents

    def new_home(self) -> Home:
        home = Home()
        self.callback(home.remove)
        return home

    def new_agent(self) -> Agent:
        """Not running, and nobody has logged in."""
        agent = Agent(self.new_home(), self.globus)
        self.callback(lambda: agent.process and agent.kill())
        return agent

    def start(self, agent: Agent, **how: object) -> Agent:
        return agent.start(env=unit_environment(), **how)

    def log_in(self, agent: Agent, **how: object) -> None:
        agent.login(*(f"--service={service}" for service in SERVICES), **how)

    def new_login(self) -> Agent:
        """Running, with one profile of four services."""
        agent = self.start(self.new_agent())
        self.log_in(agent)
        return agent

    def multiply(self, agent: Agent, profiles: int) -> None:
        """So many more of the same. It must not be running."""
        subprocess.run([PROGRAMS / "multiply", str(profiles)], env=agent.home.environment(), check=True)

    # Floors and peers

    def spawn_ready(self, command: list, **popen: object) -> subprocess.Popen:
        """Returns once it has written to its descriptor 3."""
        reader, writer = os.pipe()
        try:
            process = subprocess.Popen(["/bin/sh", "-c", f'exec 3>&{writer} {writer}>&-; exec "$@"', "sh",
                                        *command], pass_fds=[writer], stdin=subprocess.DEVNULL, **popen)
            self.callback(end, process)
            os.close(writer)
            writer = -1
            if not select.select([reader], [], [], PATIENCE)[0] or not os.read(reader, 1):
                raise AssertionError(f"{command} does not get ready")
        finally:
            os.close(reader)
            if writer >= 0:
                os.close(writer)
        return process

    def echo(self, reply: bytes, under: tuple = ()) -> tuple[subprocess.Popen, pathlib.Path]:
        """A server that answers with this, and its socket."""
        socket = self.files / "echo"
        return self.spawn_ready([*under, PROGRAMS / "echo", socket, self.write("reply", reply)]), socket

    def ssh_agent(self) -> tuple[subprocess.Popen, pathlib.Path] | None:
        """With some keys, where it is installed."""
        if not shutil.which("ssh-agent"):
            return None
        socket = self.files / "ssh-agent"
        process = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL,
                                   stdin=subprocess.DEVNULL)
        self.callback(end, process)
        for number in range(KEYS):
            key = self.files / f"key-{number}"
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
            insist(["ssh-add", "-q", key], os.environ | {"SSH_AUTH_SOCK": str(socket)})
        return process, socket


def raw_reply(agent: Agent, request: bytes = GET_TOKEN) -> bytes:
    """As it came, its end included. Whoever gets an error measures nothing."""
    with agent.connect() as connection:
        connection.send_bytes(request)
        reply = connection.receive_bytes()
    assert b'"error"' not in reply, reply
    return reply + b"\0"


def insist(command: list, environment: dict[str, str]) -> None:
    """Whom it talks to may not listen yet."""
    for pause in (0.01, 0.05, 0.25, 1.0, 5.0):
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, text=True, timeout=PATIENCE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode == 0:
            return
        select.select([], [], [], pause)
    raise AssertionError(f"{command[0]} fails: {done.stdout.strip()}")


def end(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


def pin(processes: list[subprocess.Popen], cpus: set[int]) -> None:
    for process in processes:
        for thread in os.listdir(f"/proc/{process.pid}/task"):
            os.sched_setaffinity(int(thread), cpus)


def one_cpu() -> set[int]:
    return {max(os.sched_getaffinity(0))}


def places(pinned: bool) -> tuple[set[int], set[int]]:
    """Of servers and of their clients."""
    return one_cpu(), one_cpu() if pinned else os.sched_getaffinity(0) - one_cpu() or one_cpu()


__all__ = ["BUILD", "DAEMON", "GET_TOKEN", "PROGRAMS", "World", "end", "insist", "one_cpu", "pin", "places",
           "raw_reply", "unit_environment"]
