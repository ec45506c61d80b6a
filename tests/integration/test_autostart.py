"""Where no daemon is running the client starts one, once, and it leaves when nobody can find it any more."""

import concurrent.futures
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess

import pytest

from harness import CLIENT, DAEMON, PATIENCE, finish, one_line


@pytest.fixture
def alone(stopped_agent):
    """No daemon is running; one that commands start is ended afterwards."""
    stopped_agent.home.socket.parent.mkdir(mode=0o700)
    yield stopped_agent
    for pid in daemons(stopped_agent.home):
        end(pid)


def daemons(home):
    """Processes whose command line names a path of this home."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            arguments = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue            # it has just ended
        if arguments[0] == bytes(DAEMON) and any(bytes(home.root) in argument for argument in arguments):
            found.append(int(process.name))
    return found


def wait_end(pid):
    """Of a process that is no child of ours."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], PATIENCE)[0], f"process {pid} does not end"
    finally:
        os.close(descriptor)


def end(pid):
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    wait_end(pid)


def started(agent, **how):
    """The pid of the daemon that answers, started if there was none."""
    return agent.ctl("status", "--json", autostart=True, **how).ok().json["pid"]


def test_client_starts_a_daemon_that_stays(alone):
    pid = started(alone)
    assert started(alone) == pid == alone.ctl("status", "--json").ok().json["pid"]
    assert daemons(alone.home) == [pid]


def test_daemon_is_detached(alone):
    reader, writer = os.pipe()
    pid = started(alone, pass_fds=[writer], env={"SSLKEYLOGFILE": "/tmp/never", "PERSONAL": "x"})
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == b""                       # the other end is nobody's any more

    process = pathlib.Path(f"/proc/{pid}")
    stat = (process / "stat").read_text().rpartition(") ")[2].split()
    session, terminal = int(stat[3]), int(stat[4])
    assert session != os.getsid(0) and session != pid and terminal == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="what is not dumpable can be looked at by root only")
def test_daemon_inherits_nothing(alone):
    process = pathlib.Path(f"/proc/{started(alone)}")
    assert os.readlink(process / "cwd") == "/"
    streams = [os.readlink(process / "fd" / str(number)) for number in range(3)]
    assert streams == ["/dev/null", str(alone.home.state / "agent.log"), str(alone.home.state / "agent.log")]


def test_daemon_says_nothing_to_the_service_manager_of_its_client(alone, tmp_path):
    """Which would take it for the service's: ready, stopping, with descriptors to keep."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        end(started(alone, env={"NOTIFY_SOCKET": str(tmp_path / "notify")}))
        with pytest.raises(BlockingIOError):
            manager.recv(1000, socket.MSG_DONTWAIT)


def test_command_substitution_does_not_hang(alone):
    script = 'T=$("$0" token); echo "status $?"; "$0" --no-autostart status >/dev/null && echo running'
    done = subprocess.run(["sh", "-c", script, CLIENT], env=alone.home.environment(), capture_output=True,
                          text=True, timeout=PATIENCE)
    assert done.stdout == "status 4\nrunning\n"


def test_log_of_a_started_daemon_is_private_and_kept(alone):
    started(alone)
    log = alone.home.state / "agent.log"
    assert log.stat().st_mode & 0o777 == 0o600 and log.read_text().strip()


def test_login_survives_the_daemon_that_was_started(alone):
    login = alone.ctl("login", "--start", "--json", autostart=True).ok().json
    alone.finish_login(login, alone.globus.approve(login["authorize_url"])).ok()
    token = alone.token()
    end(alone.status["pid"])
    assert alone.ctl("token", autostart=True).ok().out == f"{token}\n"


def test_password_is_told_to_an_agent_that_is_started_for_it(alone):
    login = alone.ctl("login", "--start", "--json", autostart=True).ok().json
    alone.finish_login(login, alone.globus.approve(login["authorize_url"])).ok()
    end(alone.status["pid"])
    alone.ctl("lock", "--password", "--stdin", stdin="password\n", autostart=True).ok()
    assert alone.ctl("token").status == 5
    alone.ctl("unlock", "--stdin", stdin="password\n").ok()
    assert alone.token()


def test_ten_clients_at_once_end_up_with_one_daemon(alone):
    clients = [alone.spawn("status", "--json", autostart=True) for _ in range(10)]
    pids = {finish(client).ok().json["pid"] for client in clients}
    assert len(pids) == 1
    for pid in set(daemons(alone.home)) - pids:
        wait_end(pid)           # those that came too late leave by themselves
    assert daemons(alone.home) == list(pids)


def test_end_under_load_is_a_pause_and_no_error(alone):
    """Who comes starts another one; of those that are started one wins, but not before the last one ended."""
    alone.start().login()
    token = alone.token()
    alone.stop()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(alone.ctl, "token", autostart=True) for _ in range(300)]
        for done, _ in enumerate(concurrent.futures.as_completed(calls)):
            if done % 60 == 0:
                os.kill(started(alone), signal.SIGTERM)
    assert {call.result().ok().out for call in calls} == {f"{token}\n"}


def test_left_over_socket_is_replaced(alone):
    pid = started(alone)
    os.kill(pid, signal.SIGKILL)
    wait_end(pid)
    assert alone.home.socket.exists() and started(alone) != pid


def test_without_autostart_there_is_nobody_to_talk_to(alone):
    for command in "status", "token", "groups", "whoami", "logout", "login", "unlock", "key":
        nobody = alone.ctl(command)
        assert nobody.status == 3 and nobody.out == "" and one_line(nobody.err)
    assert daemons(alone.home) == []


def test_second_daemon_at_the_same_socket_gives_up(ada):
    second = subprocess.run([DAEMON, "--socket", ada.home.socket], env=ada.home.environment(),
                            capture_output=True, text=True, timeout=PATIENCE)
    assert second.returncode == 1 and str(ada.home.socket) in second.stderr
    assert ada.token()


@pytest.mark.parametrize("loss", ["removed", "replaced", "directory gone"])
def test_daemon_that_nobody_can_find_saves_and_leaves(alone, loss):
    login = alone.ctl("login", "--start", "--json", autostart=True).ok().json
    alone.finish_login(login, alone.globus.approve(login["authorize_url"])).ok()
    token, pid = alone.token(), alone.status["pid"]

    if loss == "directory gone":
        shutil.rmtree(alone.home.socket.parent)
    else:
        alone.home.socket.unlink()
    if loss == "replaced":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(alone.home.socket))
            wait_end(pid)
        assert alone.home.socket.exists()               # it is not the old daemon's to remove
    else:
        wait_end(pid)
    assert alone.ctl("token", autostart=True).ok().out == f"{token}\n"


def test_socket_of_ones_own_choice(alone):
    chosen = alone.home.root / "mine" / "socket"
    env = {"GLOBUS_AGENT_SOCK": str(chosen)}
    with_variable = alone.ctl("status", "--json", autostart=True, env=env).ok().json
    assert with_variable["socket"] == str(chosen) and chosen.parent.stat().st_mode & 0o777 == 0o700
    assert chosen.stat().st_mode & 0o777 == 0o600
    with_option = alone.ctl("--socket", chosen, "status", "--json").ok().json
    assert with_option["pid"] == with_variable["pid"]


def test_directory_that_others_can_enter_is_not_used(alone):
    alone.home.socket.parent.chmod(0o755)
    refused = alone.ctl("--socket", alone.home.socket, "status", autostart=True)
    assert refused.status == 3 and one_line(refused.err) and "0700" in refused.err
    assert daemons(alone.home) == []


def test_two_homes_have_two_daemons(alone, home):
    other = alone.home.root / "other"
    for name in "run", "state", "config":
        (other / name).mkdir(mode=0o700, parents=True)
    env = {"XDG_RUNTIME_DIR": f"{other}/run", "XDG_STATE_HOME": f"{other}/state",
           "XDG_CONFIG_HOME": f"{other}/config"}
    pid, other_pid = started(alone), started(alone, env=env)
    assert pid != other_pid and set(daemons(home)) == {pid, other_pid}


def test_program_that_is_not_there_is_named(alone, tmp_path):
    """A client that was installed alone."""
    client = tmp_path / "globus-agentctl"
    shutil.copy(CLIENT, client)
    env = alone.home.environment() | {"PATH": "/nonexistent"}
    done = subprocess.run([client, "status"], env=env, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 3 and one_line(done.stderr) and "globus-agent" in done.stderr

