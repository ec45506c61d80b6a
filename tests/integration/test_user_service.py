"""The units under a true `systemd --user`: activation, readiness, watchdog, reload, journal."""

import shutil
import time

import pytest

from harness import PATIENCE
from usersystemd import HERE, UNITS, needs_user_systemd

pytestmark = needs_user_systemd


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
    user.drop_in("WatchdogSec=1s")
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


def test_unit_keeps_a_process_from_what_it_does_not_need(user):
    """Another program in the place of the daemon tries. On its own it may do most of that on any machine."""
    shutil.copy(HERE / "confined.py", user.directory)
    tries = f"/usr/bin/python3 {user.directory}/confined.py"
    alone = user.run(tries).ok().json
    assert {name for name, result in alone.items() if result is None} >= {
        "writable and executable", "made executable", "set-user-ID", "personality", "unix", "inet", "netlink"}

    user.drop_in(f"Type=oneshot\nRestart=no\nExecStart=\nExecStart={tries}\nStandardOutput=file:%h/tries")
    user.systemctl("start", "globus-agent.service")
    tries = user.run("cat $HOME/tries").ok().json
    by_the_kernel = tries["made executable"] == "EACCES"        # which systemd asks for that since 254
    refused = "EACCES" if by_the_kernel else "EPERM"
    assert tries == {
        "writable and executable": refused, "made executable": refused, "set-user-ID": "EPERM",
        "namespace": "EPERM", "personality": "EPERM", "trace": "EPERM",
        "unix": None, "inet": None, "inet6": alone["inet6"], "netlink": None,
        "alg": "EAFNOSUPPORT", "vsock": "EAFNOSUPPORT", "core": 0, "umask": 0o77, "no new privileges": 1}


def test_units_are_what_systemd_takes_them_for(user):
    checked = user.run(f"systemd-analyze --user --man=no verify {UNITS}/globus-agent.*").out
    assert not [line for line in checked.splitlines() if "globus-agent" in line]


@pytest.mark.skipif(not shutil.which("varlinkctl"), reason="systemd has varlinkctl since 255")
def test_registry_leads_to_it(user):
    """Not even the daemon has to run."""
    registered = "$XDG_RUNTIME_DIR/varlink/registry/org.globus.Agent"
    assert user.show("ActiveState") == "inactive"
    status = user.run(f"varlinkctl call --json=short {registered} org.globus.Agent.GetStatus {{}}").ok().json
    assert status["pid"] == int(user.show("MainPID"))
    user.run(f"varlinkctl introspect {registered} org.globus.Agent").ok()


def test_store_is_sealed_by_systemd_where_it_can(user):
    """The restrictions of the unit let it be asked."""
    if user.run("test -S /run/systemd/io.systemd.Credentials").status:
        pytest.skip("needs io.systemd.Credentials of systemd 256")
    user.login()
    token = user.ctl("token").ok().out
    assert "sealed by systemd-creds with the host key of this machine" in user.ctl("key").ok().out
    user.systemctl("restart", "globus-agent.service")
    assert user.ctl("token").ok().out == token


def test_stop_ends_it_well(user):
    user.ctl("status").ok()
    user.systemctl("stop", "globus-agent.service")
    assert user.show("Result") == "success" and user.show("ExecMainStatus") == "0"

