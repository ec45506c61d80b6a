"""A true `systemd --user` of an ordinary user, with the units installed, as a test holds it in hand."""

import json
import os
import pathlib
import select
import shlex
import shutil
import subprocess
import tempfile
import time

import pytest

from globus import Globus
from harness import CLIENT, DAEMON, PATIENCE, TESTS, Result

HERE = pathlib.Path(__file__).resolve().parent
NEEDED = ("/lib/systemd/systemd", "/lib/systemd/systemd-journald", "/usr/bin/setpriv", "/usr/bin/unshare")
SANITIZED = b"__asan_init" in DAEMON.read_bytes() if DAEMON.exists() else False
UNITS = "$HOME/.config/systemd/user"
CALL = """
import os, socket, sys
with socket.socket(socket.AF_UNIX) as agent:
    agent.connect(os.environ["XDG_RUNTIME_DIR"] + "/globus-agent/socket")
    agent.sendall(sys.argv[1].encode() + bytes(1))
    reply = b""
    while not reply.endswith(bytes(1)):
        reply += agent.recv(65536) or bytes(1)
print(reply[:-1].decode())"""

needs_user_systemd = [
    pytest.mark.skipif(os.geteuid() != 0, reason="takes root: namespaces, another user"),
    pytest.mark.skipif(not all(map(os.path.exists, NEEDED)), reason=f"needs {', '.join(NEEDED)}"),
    pytest.mark.skipif(SANITIZED, reason="the sanitizers' runtime does not live with the unit's restrictions")]


class User:
    """A shell of an ordinary user beside a user manager, with the units installed."""

    def __init__(self, globus: Globus) -> None:
        self.globus = globus
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="ga-", dir="/tmp"))
        self.directory.chmod(0o755)
        for source in DAEMON, CLIENT, globus.ca_file:
            shutil.copy(source, self.directory)
            (self.directory / pathlib.Path(source).name).chmod(0o755)
        self._errors = self.directory / "errors"
        self._shell = subprocess.Popen(
            [HERE / "user-systemd", "sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._errors.open("wb"), start_new_session=True)
        self._install()

    def _install(self) -> None:
        config = {"auth_url": self.globus.auth_url, "groups_url": self.globus.groups_url,
                  "ca_file": str(self.directory / pathlib.Path(self.globus.ca_file).name)}
        self.run(f"mkdir -p {UNITS}; mkdir -m 700 $HOME/.config/globus-agent")
        self.write("$HOME/.config/globus-agent/config.json", json.dumps(config))
        for unit in (TESTS.parent / "systemd").iterdir():
            self.write(f"{UNITS}/{unit.name.removesuffix('.in')}",
                       unit.read_text().replace("@BINDIR@", str(self.directory)))
        self.run(f"PATH={self.directory}:$PATH; systemctl --user daemon-reload").ok()

    def write(self, path: str, text: str) -> None:
        self.run(f"cat >{path} <<'END'\n{text}\nEND\n", "").ok()

    def run(self, command: str, before_end: str = "</dev/null") -> Result:
        """Its output and errors, and its exit status."""
        self._shell.stdin.write(f"{{ {command}\n}} {before_end} 2>&1; printf '\\0%d\\n' $?\n".encode())
        self._shell.stdin.flush()
        out, read = b"", self._shell.stdout.fileno()
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in out or not out.endswith(b"\n"):
            left = deadline - time.monotonic()
            assert select.select([read], [], [], max(left, 0))[0], f"{command} does not end: {out!r}"
            data = os.read(read, 65536)
            assert data, f"the shell ended: {self._errors.read_text()}"
            out += data
        out, _, status = out.decode().rpartition("\0")
        return Result(out, out, int(status))

    def systemctl(self, *arguments: str) -> str:
        return self.run(" ".join(("systemctl --user", *arguments))).ok().out.strip()

    def show(self, name: str, unit: str = "globus-agent.service") -> str:
        return self.systemctl("show", "--value", "-p", name, unit)

    def wait_show(self, name: str, predicate, unit: str = "globus-agent.service") -> str:
        """The first value that fulfils it."""
        deadline = time.monotonic() + PATIENCE
        while not predicate(value := self.show(name, unit)):
            assert time.monotonic() < deadline, f"{name} stays {value}"
            select.select([], [], [], 0.05)
        return value

    def drop_in(self, settings: str) -> None:
        """Of the service; until the test ends."""
        self.run(f"mkdir -p {UNITS}/globus-agent.service.d").ok()
        self.write(f"{UNITS}/globus-agent.service.d/test.conf", f"[Service]\n{settings}")
        self.systemctl("daemon-reload")

    def ctl(self, arguments: str) -> Result:
        return self.run(f"globus-agentctl {arguments}")

    def call(self, method: str, **parameters: object) -> dict:
        """As a program that speaks Varlink: the parameters of the reply."""
        message = json.dumps({"method": f"org.globus.Agent.{method}", "parameters": parameters})
        reply = self.run(f"/usr/bin/python3 -c {shlex.quote(CALL)} {shlex.quote(message)}").ok().json
        assert "error" not in reply, reply
        return reply["parameters"]

    def login(self) -> Result:
        login = self.ctl("login --start --json").ok().json
        code = self.globus.approve(login["authorize_url"])
        return self.run(f"echo {code} | globus-agentctl login --finish {login['login_id']}").ok()

    @property
    def journal(self) -> str:
        self.run("journalctl --sync")
        return self.run("journalctl --user-unit globus-agent.service -o cat").ok().out

    def stop(self) -> None:
        self.run("systemctl --user stop globus-agent.socket globus-agent.service; "
                 "rm -rf $HOME/.local $HOME/.config/systemd/user/*.d; systemctl --user daemon-reload; "
                 "systemctl --user reset-failed")

    def close(self) -> None:
        self._shell.stdin.close()
        self._shell.wait(PATIENCE)
        shutil.rmtree(self.directory)
