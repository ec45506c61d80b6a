"""A tree as a booted machine, with systemd as its first process."""

import contextlib
import os
import pathlib
import select
import shlex
import socket
import subprocess
import tempfile
import time
from typing import Callable

from . import NotHere
from .cgroup import Cgroup

BOOT = pathlib.Path(__file__).with_name("boot")
BOOTING = 60.0      # seconds, of which it takes two
NAMESPACES = ("unshare", "--mount", "--cgroup", "--pid", "--fork", "--kill-child", "--mount-proc")
TRIAL = """mount -t tmpfs none "$0" && mkdir "$0"/lower "$0"/upper "$0"/work &&
    mount -t overlay -o "lowerdir=$0/lower,upperdir=$0/upper,workdir=$0/work" none "$0/lower" &&
    mount -t cgroup2 none "$0\""""


class Machine:
    """A context: what was written in it, and all that ran in it, is gone at the end. It has no network."""

    def __init__(self, tree: pathlib.Path, *options: str) -> None:
        self._tree = tree
        self._options = options
        self._ends = contextlib.ExitStack()

    def __enter__(self) -> "Machine":
        with contextlib.ExitStack() as ends:
            directory = pathlib.Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="ga-")))
            self._log = ends.enter_context(tempfile.TemporaryFile("w+"))
            self._cgroup = ends.enter_context(Cgroup("globus-agent-machine"))
            (scratch := directory / "scratch").mkdir()
            if self._cgroup.spawn(*NAMESPACES, "sh", "-c", TRIAL, scratch, stderr=self._log).wait(BOOTING):
                raise NotHere(f"no container can be made: {self._said()}")
            self._boot(scratch, directory / "notify")
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def run(self, command: str, seconds: float, hear: Callable[[bytes], None]) -> int:
        """In a shell of root's, as a service; `hear` is given what it says. Returns its exit status."""
        enter = ("nsenter", "--all", "--root", "--wd", f"--target={self._cgroup.first('payload/init.scope')}")
        service = ("systemd-run", "--quiet", "--wait", "--pipe", "--collect",
                   f"--property=RuntimeMaxSec={seconds}", "sh", "-c", command)
        process = self._cgroup.spawn(*enter, *service, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
        deadline = time.monotonic() + seconds + BOOTING
        while select.select([process.stdout], [], [], max(deadline - time.monotonic(), 0))[0]:
            if not (data := os.read(process.stdout.fileno(), 65536)):
                return process.wait(BOOTING)
            hear(data)
        raise TimeoutError(f"{shlex.quote(command)} does not end")

    def _boot(self, scratch: pathlib.Path, notify: pathlib.Path) -> None:
        """Returns when systemd in there says that it is ready."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
            heard.bind(str(notify))
            nspawn = self._cgroup.spawn(
                *NAMESPACES, BOOT, self._tree, scratch, *self._options, stdin=subprocess.DEVNULL,
                stdout=self._log, stderr=self._log, env=os.environ | {"NOTIFY_SOCKET": str(notify)})
            deadline = time.monotonic() + BOOTING
            ended = os.pidfd_open(nspawn.pid)
            try:
                said = ""
                while "READY=1" not in said.splitlines():
                    left = max(deadline - time.monotonic(), 0)
                    if heard not in select.select([heard, ended], [], [], left)[0]:
                        raise RuntimeError(f"the container does not boot ({nspawn.poll()}):\n{self._said()}")
                    said = heard.recv(65536).decode()
            finally:
                os.close(ended)

    def _said(self) -> str:
        self._log.seek(0)
        return self._log.read().strip()
