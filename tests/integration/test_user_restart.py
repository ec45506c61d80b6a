"""Under a true `systemd --user`: restart, crash, upgrade. Who calls meanwhile has to wait, and that is all."""

import shutil
import types

import pytest

from disks import BadDisk
from harness import BUILD, DAEMON
from usersystemd import HERE, UNITS, needs_user_systemd

pytestmark = needs_user_systemd

SERVICE = "globus-agent.service"
WORKERS, CALLS = 8, 125         # a thousand calls in all, or more
ENOUGH = "$HOME/enough"
TOKENS = f"i=0; while [ $i -lt {CALLS} ] || [ ! -e {ENOUGH} ]; do " \
         "globus-agentctl token || echo failed; i=$((i + 1)); done"
RESTART = f"systemctl --user restart {SERVICE}"
KEEPER = BUILD / "tests" / "torture" / "keeper"


def crash(name):
    """And it serves for a while before the next one."""
    return f"systemctl --user kill -s {name} {SERVICE}; globus-agentctl -q status >/dev/null; sleep 0.2"


def call_while(user, disturbance, least=5, commands=(TOKENS,) * WORKERS):
    """What the commands said while something was done over and over, so often at least."""
    workers = "\n".join(f"({command}) >out.{number} 2>&1 & workers=\"$workers $!\""
                        for number, command in enumerate(commands))
    return user.run(f"""cd; rm -f out.* {ENOUGH}; workers=; n=0
        {workers}
        while kill -0 $workers 2>/dev/null; do
            {disturbance}; n=$((n + 1)); [ $n -lt {least} ] || : >{ENOUGH}
        done
        wait; cat out.*""").ok().out.splitlines()


def assert_all_got(user, lines):
    assert set(lines) == {user.expected} and len(lines) >= WORKERS * CALLS


@pytest.fixture
def ada(user):
    """Is logged in; and the token that everybody has to get."""
    user.login()
    user.expected = user.ctl("token").ok().out.strip()
    yield user
    user.wait_show("ActiveState", "active".__eq__)
    assert user.ctl("token").ok().out.strip() == user.expected


@pytest.mark.parametrize("disturbance, least", [
    (RESTART, 5), (crash("KILL"), 3), (crash("SEGV"), 3), ("systemctl --user daemon-reexec; sleep 0.1", 2)],
    ids=["restart", "SIGKILL", "SIGSEGV", "daemon-reexec"])
def test_a_thousand_calls_and_none_fails(ada, disturbance, least):
    assert_all_got(ada, call_while(ada, disturbance, least))


def test_other_clients_get_no_wrong_answer(ada):
    shutil.copy(HERE / "restless.py", ada.directory)
    lines = call_while(ada, RESTART, 15, (f"/usr/bin/python3 {ada.directory}/restless.py {ENOUGH}",) * 3)
    assert set(lines) <= {ada.expected, "Stopping", "closed"}, set(lines)
    assert lines.count(ada.expected) > 100 and lines.count("closed") >= 3


def test_watchdog_is_a_pause_for_clients(ada):
    ada.drop_in("WatchdogSec=1s")
    ada.systemctl("restart", SERVICE)
    pid = ada.show("MainPID")
    ada.run(f"kill -STOP {pid}").ok()
    assert ada.ctl("token").ok().out.strip() == ada.expected
    assert ada.show("MainPID") != pid and ada.show("NRestarts") == "1"


def running_version(user):
    return user.ctl("status --json").ok().json["version"]


def test_upgrade_to_another_binary(ada):
    """In the place of the old one, and at another; neither has to be stopped before."""
    agent, version = ada.directory / DAEMON.name, running_version(ada)
    upgraded, moved = version[:-1] + "U", version[:-1] + "M"

    def build(name, other):
        path = ada.directory / name
        path.write_bytes(DAEMON.read_bytes().replace(version.encode(), other.encode()))
        path.chmod(0o755)

    build("new", upgraded)
    (ada.directory / "new").replace(agent)
    assert running_version(ada) == version
    assert_all_got(ada, call_while(ada, RESTART))
    assert running_version(ada) == upgraded

    build("moved", moved)
    ada.drop_in(f"ExecStart=\nExecStart={ada.directory}/moved")
    assert running_version(ada) == upgraded
    ada.systemctl("restart", SERVICE)
    assert running_version(ada) == moved


def test_ready_only_when_usable(ada):
    """A store that takes its time to be read delays READY; the socket is there all the while."""
    disk = BadDisk(types.SimpleNamespace(root=ada.directory, state_home="%h/.local/state"))
    (ada.directory / "bad-disk").chmod(0o666)
    environment = disk.env | {"LD_PRELOAD": shutil.copy(disk.env["LD_PRELOAD"], ada.directory)}
    ada.drop_in("Environment=" + " ".join(f"{name}={value}" for name, value in environment.items()))
    disk.hang("read")
    ada.systemctl("restart", "--no-block", SERVICE)
    ada.wait_show("MainPID", lambda pid: disk.hanging)
    assert ada.show("ActiveState") == "activating"
    ada.run("globus-agentctl token >$HOME/out.late 2>&1 & echo").ok()
    assert ada.show("ActiveState") == "activating"
    disk.heal()
    ada.wait_show("ActiveState", "active".__eq__)
    assert ada.run("wait; cat $HOME/out.late").out.strip() == ada.expected


# What a person would have to open again

PASSPHRASE = "correct horse battery staple"
ENDS = pytest.mark.parametrize("end", [
    RESTART, crash("KILL"), crash("SEGV"), f"systemctl --user daemon-reexec; {RESTART}"],
    ids=["restart", "SIGKILL", "SIGSEGV", "daemon-reexec"])


@pytest.fixture
def behind_a_passphrase(ada):
    ada.call("SetKey", protector="passphrase", passphrase=PASSPHRASE)
    return ada


@ENDS
def test_passphrase_is_not_asked_for_again(behind_a_passphrase, end):
    user, pid = behind_a_passphrase, behind_a_passphrase.show("MainPID")
    for _ in range(2):
        user.run(end)
        assert user.ctl("token").ok().out.strip() == user.expected
    assert user.show("MainPID") != pid


def test_passphrase_is_not_asked_for_under_load(behind_a_passphrase):
    assert_all_got(behind_a_passphrase, call_while(behind_a_passphrase, RESTART))


@pytest.mark.parametrize("end", [
    f"systemctl --user stop {SERVICE} 2>&1",
    f"echo '{{\"keep_unlocked\": false}}' >$HOME/.config/globus-agent/config.json; "
    f"systemctl --user reload {SERVICE}; {RESTART}",
    f"globus-agentctl lock; {RESTART}"], ids=["stop", "not wished", "lock"])
def test_passphrase_is_asked_for_after(behind_a_passphrase, end):
    user = behind_a_passphrase
    config = user.run("cat $HOME/.config/globus-agent/config.json").ok().out
    user.run(end).ok()
    try:
        assert user.ctl("token").status == 5
        user.call("Unlock", passphrase=PASSPHRASE)
    finally:
        user.write("$HOME/.config/globus-agent/config.json", config)


@ENDS
def test_what_is_in_memory_only_survives(ada, end):
    ada.call("SetKey", protector="memory", force=True)
    for _ in range(2):
        ada.run(end)
        assert ada.ctl("token").ok().out.strip() == ada.expected
    assert ada.call("GetStatus")["store"]["protector"] == "memory"


def test_what_is_in_memory_only_ends_with_the_service(ada):
    ada.call("SetKey", protector="memory", force=True)
    ada.run(f"systemctl --user stop {SERVICE}").ok()
    assert ada.ctl("token").status == 4
    ada.login()
    ada.expected = ada.ctl("token").ok().out.strip()


class Keeper:
    """A service that has its manager keep what it was last."""

    def __init__(self, user):
        self.user = user
        shutil.copy(KEEPER, user.directory)
        self.start()

    def start(self):
        self.user.run("systemd-run --user --quiet --unit=keeper -p Type=notify -p FileDescriptorStoreMax=2 "
                      "-p Restart=on-failure -p RestartSec=0 -p StartLimitIntervalSec=0 "
                      f"{self.user.directory}/keeper $HOME/kept").ok()

    @property
    def pid(self):
        return self.user.show("MainPID", "keeper.service")

    @property
    def found(self):
        """At its last start."""
        return self.user.run("tail -n 1 $HOME/kept").ok().out.strip()

    def restart(self):
        self.user.systemctl("restart", "keeper.service")

    def crash(self, signal):
        before = self.pid
        self.user.systemctl("kill", "-s", signal, "keeper.service")
        self.user.wait_show("MainPID", lambda pid: pid not in ("0", before), "keeper.service")
        self.user.wait_show("ActiveState", "active".__eq__, "keeper.service")


@pytest.fixture
def keeper(session):
    yield Keeper(session)
    session.run("systemctl --user stop keeper.service; rm -f $HOME/kept")


def test_secrets_outlive_restart_and_crash_but_not_stop(keeper):
    user = keeper.user
    assert keeper.found == "nothing"
    for end in (keeper.restart, lambda: keeper.crash("KILL"), lambda: keeper.crash("SEGV")):
        for prepare in (lambda: None, lambda: user.systemctl("daemon-reexec")):
            last = keeper.pid
            prepare()
            end()
            assert keeper.found == last
            assert user.wait_show("NFileDescriptorStore", "1".__eq__, "keeper.service")

    user.systemctl("stop", "keeper.service")
    keeper.start()
    assert keeper.found == "nothing"


def test_secret_that_was_forgotten_is_gone(keeper):
    user = keeper.user
    user.systemctl("kill", "-s", "USR1", "keeper.service")
    user.wait_show("NFileDescriptorStore", "0".__eq__, "keeper.service")
    keeper.restart()
    assert keeper.found == "nothing"
