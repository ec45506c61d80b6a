"""What the unit's hardening costs: the daemon as a true user manager runs it, and the same without.

That one is started by hand, but with systemd-run: from a shell it would be in a control group that is less
deep, which by itself makes a switch to it cheaper. All of it is an ordinary user's, in namespaces of its own.
"""

import os
import pathlib
import shutil
import subprocess

import usersystemd
from harness import DAEMON, PATIENCE

from .calls import Setting, Target, command, read
from .figures import Figure, LeftOut
from .world import GET_TOKEN, PROGRAMS, World, one_cpu, unit_environment

SETTINGS = [Setting(1, True, pinned=True), Setting(1, False, pinned=True), Setting(64, True, pinned=True)]
RUNTIMES = {"globus-agent": "$XDG_RUNTIME_DIR", "by-hand": "$HOME/by-hand"}     # of each service
SOCKET = "globus-agent/socket"


def refuse_elsewhere() -> None:
    """Where there can be no user manager."""
    if os.geteuid() != 0:
        raise LeftOut("only root can make the namespaces that it takes")
    if missing := [path for path in usersystemd.NEEDED if not os.path.exists(path)]:
        raise LeftOut(f"there is no {missing[0]}")
    if usersystemd.SANITIZED:
        raise LeftOut("the sanitizers' runtime does not live with the hardening")
    tried = subprocess.run([usersystemd.HERE / "user-systemd", "true"], stdin=subprocess.DEVNULL, text=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=PATIENCE)
    if tried.returncode != 0:
        raise LeftOut(f"no user manager starts here: {tried.stderr.strip()}")


class User(usersystemd.User):
    """With one login, the daemon twice, and the load, all on one CPU."""

    def __init__(self, world: World):
        super().__init__(world.globus)
        world.callback(self.close)
        self._request = self.directory / "request"
        self._request.write_bytes(GET_TOKEN)
        self._taskset = f"taskset -c {max(one_cpu())} {shutil.copy(PROGRAMS / 'load', self.directory)}"
        self.login()
        self._start_by_hand()
        for service in RUNTIMES:
            self.run(f"taskset -acp {max(one_cpu())} {self.show('MainPID', service)}").ok()

    def _start_by_hand(self) -> None:
        """All of the home is the same but the runtime directory."""
        environment = " ".join(f"-E {name}={value}" for name, value in unit_environment().items())
        self.run(f"mkdir -p -m 700 {RUNTIMES['by-hand']}/globus-agent; "
                 f"systemd-run --user -q --unit=by-hand --service-type=notify {environment} "
                 f"{self.directory / DAEMON.name} --socket {RUNTIMES['by-hand']}/{SOCKET}").ok()

    def measure(self, setting: Setting) -> Figure:
        targets = [self._target(*which) for which in RUNTIMES.items()]
        told = self.run(" ".join(command(self._taskset, setting, targets))).ok().out
        return read(told, setting, targets).ratio(f"{setting}: p50 / without", "p50", tuple(RUNTIMES))

    def _target(self, name: str, runtime: str) -> Target:
        """It has its token."""
        self.run(f"XDG_RUNTIME_DIR={runtime} globus-agentctl --no-autostart token").ok()
        return Target(name, None, pathlib.Path(runtime, SOCKET), self._request)


def measure(world: World) -> list[Figure]:
    refuse_elsewhere()
    user = User(world)
    return [user.measure(setting) for setting in SETTINGS]


__all__ = ["measure"]
