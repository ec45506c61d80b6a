"""The real daemon and the real client in private directories, as a test holds them in hand."""

import contextlib
import copy
import dataclasses
import fcntl
import json
import os
import pathlib
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time

from globus import AUTH, GROUPS, Globus
from interface import Interface
from varlink import Connection

TESTS = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("GLOBUS_AGENT_BUILD", TESTS.parent / "build")).resolve()
DAEMON = BUILD / "globus-agent"
CLIENT = BUILD / "globus-agentctl"
INTERFACE = Interface.load(TESTS.parent / "proto" / "org.globus.Agent.varlink")
SANITIZERS = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
PATIENCE = 30.0             # for what takes no time: a loaded machine is slow


@dataclasses.dataclass
class Result:
    """How a command ended. `err` has what a person reads."""

    out: str
    err: str
    status: int

    @property
    def json(self) -> dict:
        return json.loads(self.out)

    def ok(self) -> "Result":
        assert self.status == 0, f"exit status {self.status}: {self.err}"
        return self


class Command(subprocess.Popen):
    """One of globus-agentctl."""

    globus: Globus | None = None        # whose secrets it may not complain with


class Home:
    """A user's private directories. Their paths are short, for those of sockets must be."""

    def __init__(self, directory: str = "/tmp") -> None:
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="ga-", dir=directory))
        self.home, self.state_home, self.config_home, self.runtime = (
            self.root / name for name in ("home", "state", "config", "run"))
        for directory in (self.home, self.state_home, self.config_home, self.runtime):
            directory.mkdir(mode=0o700)
        self.state = self.state_home / "globus-agent"
        self.config = self.config_home / "globus-agent"
        self.store = self.state / "store"
        self.key = self.config / "key"
        self.socket = self.runtime / "globus-agent" / "socket"

    def environment(self) -> dict[str, str]:
        """Nothing of the person's who runs the tests."""
        kept = {name: os.environ[name] for name in SANITIZERS if name in os.environ}
        return kept | {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.state_home), "XDG_CONFIG_HOME": str(self.config_home),
            "XDG_RUNTIME_DIR": str(self.runtime)}

    def configure(self, document: object) -> None:
        """Writes config.json; a string is written as it is."""
        self.config.mkdir(mode=0o700, exist_ok=True)
        text = document if isinstance(document, str) else json.dumps(document)
        path = self.config / "config.json"
        path.write_text(text)
        path.chmod(0o600)

    @contextlib.contextmanager
    def hanging_disk(self):
        """As long as this lasts, whoever wants to change the store waits: another process is at it."""
        self.state.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self.state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock_first_byte(descriptor)
            yield
        finally:
            os.close(descriptor)

    def twin(self) -> "Home":
        """The same home on another machine: all is shared but the runtime directory."""
        twin = copy.copy(self)
        twin.runtime = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=self.root))
        twin.socket = twin.runtime / "globus-agent" / "socket"
        return twin

    def remove(self) -> None:
        shutil.rmtree(self.root)


class Agent:
    """The daemon of one home, and commands that talk to it. Whatever they say aloud is searched for secrets."""

    def __init__(self, home: Home, globus: Globus | None = None, protector: str = "keyfile"):
        """The protector of a new store: what "auto" chooses depends on the machine."""
        self.home = home
        self.globus = globus
        self.process: subprocess.Popen | None = None
        self._log = home.runtime / "daemon.log"
        self.settings = {}
        if globus:
            self.settings = {
                "auth_url": globus.auth_url, "groups_url": globus.groups_url, "ca_file": globus.ca_file,
                "protector": protector}
            home.configure(self.settings)

    # The daemon

    def start(self, *options: str, env: dict[str, str] | None = None, under: tuple = (), pass_fds: tuple = (),
              **popen: object) -> "Agent":
        """Returns when it serves. `under`: a command that runs it."""
        assert not self.process, "it is running already"
        self.home.socket.parent.mkdir(mode=0o700, exist_ok=True)
        reader, writer = os.pipe()
        try:
            with open(self._log, "ab") as log:
                self.process = subprocess.Popen(
                    [*under, DAEMON, "--socket", self.home.socket, "--ready-fd", str(writer), *options],
                    env=self.home.environment() | (env or {}), pass_fds=[writer, *pass_fds],
                    **({"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log} | popen))
            os.close(writer)
            writer = -1
            ready = select.select([reader], [], [], PATIENCE)[0] and os.read(reader, 1)
        finally:
            os.close(reader)
            if writer >= 0:
                os.close(writer)
        if not ready:
            self.process.kill()
            self.process.wait()
            self.process = None
            raise AssertionError(f"the daemon does not get ready: {self.log}")
        return self

    def stop(self) -> None:
        """As a service manager does, and it must end well."""
        status = self.end(signal.SIGTERM)
        assert status == 0, f"the daemon ended with {status}: {self.log}"

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def end(self, number: int) -> int:
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            status = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the daemon does not end: {self.log}") from None
        assert_no_secret(self.globus, self.log, "the daemon's log")
        return status

    def restart(self, **how: object) -> None:
        self.stop()
        self.start(**how)

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    @property
    def pid(self) -> int:
        return self.process.pid

    # Commands

    def spawn(self, *arguments: object, env: dict[str, str] | None = None, autostart: bool = False,
              under: tuple = (), **popen: object) -> Command:
        """`under`: a command that runs it."""
        options = [] if autostart else ["--no-autostart"]
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = Command([*under, CLIENT, *options, *map(str, arguments)],
                          env=self.home.environment() | (env or {}), **(streams | popen))
        command.globus = self.globus
        return command

    def ctl(self, *arguments: object, stdin: str | None = None, env: dict[str, str] | None = None,
            **how: object) -> Result:
        """Runs globus-agentctl to its end."""
        if stdin is not None:
            how["stdin"] = subprocess.PIPE
        return finish(self.spawn(*arguments, env=env, **how), stdin)

    def start_login(self, *options: str, profile: str = "default", env: dict[str, str] | None = None) -> dict:
        """What a script gets: login_id, authorize_url, expires_at."""
        return self.ctl("-p", profile, "login", "--start", "--json", *options, env=env).ok().json

    def finish_login(self, login: dict, code: str) -> Result:
        return self.ctl("login", "--finish", login["login_id"], stdin=f"{code}\n")

    def login(self, *options: str, profile: str = "default", user=None) -> Result:
        """To its good end: the person, Ada if nobody is named, approves."""
        login = self.start_login(*options, profile=profile)
        return self.finish_login(login, self.globus.approve(login["authorize_url"], user)).ok()

    def login_overdue(self, profiles: list[str]) -> None:
        """Each to four services, all of whose tokens are to be refreshed as soon as the agent runs again."""
        self.start()
        self.globus.knobs.lifetime = 0
        self.globus.faults.refresh.answer(503, {"Retry-After": "3600"})
        for profile in profiles:
            self.login("--service", "groups", "--service", "transfer", "--service", "search", profile=profile)
        self.stop()
        self.globus.knobs.lifetime = 172800
        self.globus.faults.clear()

    def token(self, *arguments: object) -> str:
        return self.ctl("token", *arguments).ok().out.removesuffix("\n")

    def connect(self) -> Connection:
        """As a program that speaks Varlink."""
        return Connection(self.home.socket, INTERFACE, overhear=lambda error: assert_no_secret(
            self.globus, error, "an error"))

    # What is going on inside

    @property
    def status(self) -> dict:
        with self.connect() as connection:
            return connection.call("GetStatus")

    def grant(self, resource_server: str = GROUPS, profile: str = "default") -> dict:
        """What `status` shows of it."""
        return find_grant(self.status, resource_server, profile)

    def wait_for(self, predicate, seconds: float = PATIENCE) -> dict:
        """The first status that fulfils it: nobody tells us of changes, so it is asked for."""
        deadline = time.monotonic() + seconds
        with self.connect() as connection:
            while True:
                status = connection.call("GetStatus")
                if predicate(status):
                    return status
                assert time.monotonic() < deadline, f"it did not come to that: {status}"
                select.select([], [], [], 0.02)

    def wait_saved(self) -> None:
        self.wait_for(lambda status: status["store"]["saved"])

    def refreshes(self, resource_server: str = GROUPS) -> int:
        """Refreshes of such grants that arrived at Globus."""
        grants = (self.globus.ledger.grant_of(request.form.get("refresh_token", ""))
                  for request in self.globus.log if "refresh" in request.names)
        return sum(grant is not None and grant.resource_server == resource_server for grant in grants)

    def wait_refreshes(self, count: int, resource_server: str = GROUPS) -> None:
        self.globus.wait_for(lambda: self.refreshes(resource_server) >= count, PATIENCE)


def finish(process: Command, stdin: str | None = None) -> Result:
    """Output byte for byte: no line end is taken for another."""
    try:
        out, err = process.communicate(stdin and stdin.encode(), PATIENCE * 2)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"{process.args} does not end: {out!r} {err!r}") from None
    result = Result((out or b"").decode(), (err or b"").decode(), process.returncode)
    assert_no_secret(process.globus, result.err, f"what {process.args} complained of")
    return result


def assert_no_secret(globus: Globus | None, text: str, where: str) -> None:
    """Of those that the stand-in ever issued or saw. Who fails does not tell them either."""
    __tracebackhide__ = True
    if globus and text and any(secret in text for secret in globus.issued_secrets()):
        raise AssertionError(f"a secret is in {where}")


def find_grant(status: dict, resource_server: str = GROUPS, profile: str = "default") -> dict:
    return next(grant for account in status["profiles"] if account["profile"] == profile
                for grant in account["grants"] if grant["resource_server"] == resource_server)


def one_line(text: str) -> bool:
    return text.endswith("\n") and text.count("\n") == 1


def _lock_first_byte(descriptor: int) -> None:
    """An open file description lock, as the daemon takes it (fcntl(2))."""
    lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLKW, lock)


__all__ = ["AUTH", "BUILD", "CLIENT", "DAEMON", "GROUPS", "INTERFACE", "PATIENCE", "Agent", "Home", "Result",
           "assert_no_secret", "find_grant", "finish", "one_line"]
