"""The units under a true `systemd --user`: activation, readiness, watchdog, restart, journal."""

import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

import pytest

from globus import Globus
from harness import CLIENT, DAEMON, PATIENCE, TESTS, Result, assert_no_secret

HERE = pathlib.Path(__file__).resolve().parent
NEEDED = ("/lib/systemd/systemd", "/lib/systemd/systemd-journald", "/usr/bin/setpriv", "/usr/bin/unshare")
SANITIZED = b"__asan_init" in DAEMON.read_bytes() if DAEMON.exists() else False
UNITS = "$HOME/.config/systemd/user"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="takes root: namespaces, another user"),
    pytest.mark.skipif(not all(map(os.path.exists, NEEDED)), reason=f"needs {', '.join(NEEDED)}"),
    pytest.mark.skipif(SANITIZED, reason="the sanitizers' runtime does not live with the unit's restrictions")]


class User:
    """A shell of an ordinary user beside a user manager, with the units installed."""

    def __init__(self, globus):
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

    def _install(self):
        config = {"auth_url": self.globus.auth_url, "groups_url": self.globus.groups_url,
                  "ca_file": str(self.directory / pathlib.Path(self.globus.ca_file).name)}
        self.run(f"mkdir -p {UNITS}; mkdir -m 700 $HOME/.config/globus-agent")
        self.write("$HOME/.config/globus-agent/config.json", json.dumps(config))
        for unit in (TESTS.parent / "systemd").iterdir():
            self.write(f"{UNITS}/{unit.name.removesuffix('.in')}",
                       unit.read_text().replace("@BINDIR@", str(self.directory)))
        self.run(f"PATH={self.directory}:$PATH; systemctl --user daemon-reload").ok()

    def write(self, path, text):
        self.run(f"cat >{path} <<'END'\n{text}\nEND\n", "").ok()

    def run(self, command, before_end="</dev/null"):
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

    def systemctl(self, *arguments):
        return self.run(" ".join(("systemctl --user", *arguments))).ok().out.strip()

    def show(self, name, unit="globus-agent.service"):
        return self.systemctl("show", "--value", "-p", name, unit)

    def wait_show(self, name, predicate):
        deadline = time.monotonic() + PATIENCE
        while not predicate(value := self.show(name)):
            assert time.monotonic() < deadline, f"{name} stays {value}"
            select.select([], [], [], 0.05)

    def ctl(self, arguments):
        return self.run(f"globus-agentctl {arguments}")

    def login(self):
        login = self.ctl("login --start --json").ok().json
        code = self.globus.approve(login["authorize_url"])
        return self.run(f"echo {code} | globus-agentctl login --finish {login['login_id']}").ok()

    @property
    def journal(self):
        self.run("journalctl --sync")
        return self.run("journalctl --user-unit globus-agent.service -o cat").ok().out

    def stop(self):
        self.run("systemctl --user stop globus-agent.socket globus-agent.service; "
                 "rm -rf $HOME/.local $HOME/.config/systemd/user/*.d; systemctl --user daemon-reload; "
                 "systemctl --user reset-failed")

    def close(self):
        self._shell.stdin.close()
        self._shell.wait(PATIENCE)
        shutil.rmtree(self.directory)


@pytest.fixture(scope="module")
def session():
    with Globus() as globus:
        made = User(globus)
        yield made
        try:
            assert_no_secret(globus, made.journal, "the journal")
        finally:
            made.close()


@pytest.fixture
def user(session):
    """The socket is there, the daemon is not."""
    session.systemctl("start", "globus-agent.socket")
    yield session
    session.stop()


def test_first_call_starts_the_daemon(user):
    assert user.show("ActiveState") == "inactive"
    status = user.ctl("status --json").ok().json
    user.wait_show("ActiveState", "active".__eq__)      # the answer may be here before the manager has heard
    assert user.show("Type") == "notify"
    assert status["pid"] == int(user.show("MainPID")) and status["socket"].endswith("/globus-agent/socket")
    assert status["problems"] == []


def test_socket_is_private_and_can_be_found_by_its_interface(user):
    assert user.run("stat -c %a $XDG_RUNTIME_DIR/globus-agent $XDG_RUNTIME_DIR/globus-agent/socket").out \
        == "700\n600\n"
    found = user.run("readlink -f $XDG_RUNTIME_DIR/varlink/registry/org.globus.Agent").out
    assert found.endswith("/globus-agent/socket\n")


def test_restart_keeps_the_login(user):
    user.login()
    token = user.ctl("token").ok().out
    requests = len(user.globus.log)
    before = user.show("MainPID")
    user.systemctl("restart", "globus-agent.service")
    assert user.ctl("token").ok().out == token and user.show("MainPID") != before
    assert user.ctl("whoami").ok().out == "apark@ridgeway.example\n"
    assert len(user.globus.log) == requests


def test_restart_in_the_middle_is_a_pause_and_no_error(user):
    user.login()
    script = ("for i in 1 2 3 4 5; do systemctl --user restart globus-agent.service; done & "
              "while kill -0 $! 2>/dev/null; do globus-agentctl token || echo failed; done; wait")
    out = user.run(script).ok().out
    assert len(set(out.splitlines())) == 1 and "failed" not in out


def test_crash_is_followed_by_another_daemon(user):
    user.login()
    token = user.ctl("token").ok().out
    for _ in range(6):          # more often than would be tolerated by default
        killed = user.show("MainPID")
        user.run(f"kill -KILL {killed}").ok()
        user.wait_show("MainPID", lambda pid: pid not in ("0", killed))
        assert user.ctl("token").ok().out == token


def test_watchdog_is_fed_and_bites(user):
    user.ctl("status").ok()
    assert user.show("WatchdogUSec") == "1min" and user.show("WatchdogTimestamp")
    user.run(f"mkdir -p {UNITS}/globus-agent.service.d").ok()
    user.write(f"{UNITS}/globus-agent.service.d/watchdog.conf", "[Service]\nWatchdogSec=1s\nRestartSec=0")
    user.systemctl("daemon-reload")
    user.systemctl("restart", "globus-agent.service")
    pid, fed = user.show("MainPID"), user.show("WatchdogTimestampMonotonic")
    user.wait_show("WatchdogTimestampMonotonic", lambda timestamp: timestamp != fed)
    assert user.show("MainPID") == pid and user.show("NRestarts") == "0"
    user.run(f"kill -STOP {pid}").ok()
    user.wait_show("NRestarts", lambda restarts: restarts != "0")
    user.ctl("status").ok()


def test_log_is_in_the_journal(user):
    user.login()
    user.systemctl("stop", "globus-agent.service")
    assert "Logged in to 'default'" in user.journal


def test_client_starts_the_socket_where_it_is_not(user):
    user.systemctl("stop", "globus-agent.socket")
    status = user.ctl("status --json").ok().json
    assert status["pid"] == int(user.show("MainPID"))
    assert user.show("ActiveState", "globus-agent.socket") == "active"


def test_client_finds_the_manager_without_its_variable(user):
    user.systemctl("stop", "globus-agent.socket")
    status = user.run("env -u XDG_RUNTIME_DIR globus-agentctl status --json").ok().json
    assert status["pid"] == int(user.show("MainPID"))


def test_reload_takes_new_settings(user):
    config = "$HOME/.config/globus-agent/config.json"
    user.ctl("status").ok()
    pid = user.show("MainPID")
    user.wait_show("ActiveState", "active".__eq__)      # what is not, is not reloaded
    user.run(f"cp -p {config} $HOME/before; sed -i 's/^{{/{{\"http_timeout\": 33,/' {config}").ok()
    user.systemctl("reload", "globus-agent.service")
    user.wait_show("ActiveState", lambda state: state == "active")
    deadline = time.monotonic() + PATIENCE
    while '"33"' not in user.ctl("status --json").ok().out:
        assert time.monotonic() < deadline
    user.run(f"mv $HOME/before {config}").ok()
    assert user.show("MainPID") == pid


def test_process_has_given_up_what_it_does_not_need(user):
    user.ctl("status").ok()
    pid = user.show("MainPID")
    assert "NoNewPrivs:\t1" in user.run(f"cat /proc/{pid}/status").out
    assert user.run(f"grep -c '^Seccomp:.2' /proc/{pid}/status").out == "1\n"


def test_units_are_what_systemd_takes_them_for(user):
    checked = user.run(f"systemd-analyze --user --man=no verify {UNITS}/globus-agent.*").out
    assert not [line for line in checked.splitlines() if "globus-agent" in line]


def test_stop_ends_it_well(user):
    user.ctl("status").ok()
    user.systemctl("stop", "globus-agent.service")
    assert user.show("Result") == "success" and user.show("ExecMainStatus") == "0"

