"""Only the user whose agent it is. Really tried as somebody else, so it takes root."""

import os
import shutil
import subprocess

import pytest

from harness import CLIENT, DAEMON, PATIENCE, one_line
from varlink import Closed, Connection

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
GET_TOKEN = b'{"method":"org.globus.Agent.GetToken"}\0'
PROBE = f"""
import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.settimeout({PATIENCE})
connection.connect(sys.argv[1])
try:
    connection.sendall({GET_TOKEN!r})
    answer = connection.recv(65536)
except (BrokenPipeError, ConnectionResetError):
    answer = b""
sys.stdout.buffer.write(answer)
"""

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="takes root, who can be anybody"),
    pytest.mark.skipif(not shutil.which("setpriv"), reason="there is no setpriv")]


def open_to_all(home):
    """So that nothing but the daemon itself stands between them."""
    for directory in home.root, home.runtime, home.socket.parent:
        directory.chmod(0o755)
    home.socket.chmod(0o666)


def close_again(home):
    """As a client of the owner's demands it."""
    for directory in home.root, home.runtime, home.socket.parent:
        directory.chmod(0o700)


def test_another_user_gets_nothing_from_an_open_socket(ada):
    open_to_all(ada.home)
    probe = subprocess.run([*AS_NOBODY, "/usr/bin/python3", "-c", PROBE, ada.home.socket], check=True,
                           capture_output=True, timeout=PATIENCE * 2)
    assert b"access_token" not in probe.stdout and len(probe.stdout) < 300
    close_again(ada.home)
    assert ada.token() and "uid 65534" in ada.log


def test_another_user_cannot_even_reach_it(ada):
    probe = subprocess.run([*AS_NOBODY, "/usr/bin/python3", "-c", PROBE, ada.home.socket],
                           capture_output=True, text=True, timeout=PATIENCE * 2)
    assert probe.returncode != 0 and "PermissionError" in probe.stderr


def test_many_strangers_take_no_room(ada):
    open_to_all(ada.home)
    crowd = f"""
import socket, sys
crowd = []
for _ in range(200):
    stranger = socket.socket(socket.AF_UNIX)
    stranger.settimeout({PATIENCE})
    stranger.connect(sys.argv[1])
    crowd.append(stranger)
for stranger in crowd:
    try:
        while stranger.recv(4096):
            pass
    except ConnectionResetError:
        pass
"""
    subprocess.run([*AS_NOBODY, "/usr/bin/python3", "-c", crowd, ada.home.socket], check=True,
                   timeout=PATIENCE * 2)
    assert ada.status["connections"] == 1


def test_strangers_client_trusts_no_other_ones_socket(ada, home):
    open_to_all(ada.home)
    theirs = home.root / "theirs"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(theirs), "XDG_RUNTIME_DIR": str(home.runtime)}
    refused = subprocess.run([*AS_NOBODY, CLIENT, "--socket", home.socket, "--no-autostart", "token"], env=env,
                             capture_output=True, text=True, timeout=PATIENCE)
    assert refused.returncode == 3 and refused.stdout == "" and one_line(refused.stderr)


@pytest.fixture
def nobodys(home):
    """An agent that is nobody's: its socket and its pid."""
    for directory in (home.root, home.home, home.state_home, home.config_home, home.runtime):
        os.chown(directory, NOBODY, NOBODY)
    home.socket.parent.mkdir(mode=0o700)
    os.chown(home.socket.parent, NOBODY, NOBODY)
    reader, writer = os.pipe()
    daemon = subprocess.Popen([*AS_NOBODY, DAEMON, "--socket", home.socket, "--ready-fd", str(writer)],
                              env=home.environment(), pass_fds=[writer], stderr=subprocess.PIPE, text=True)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        ready = pipe.read(1)
    yield home.socket, daemon.pid
    daemon.terminate()
    said = daemon.communicate(timeout=PATIENCE)[1]
    assert ready and daemon.returncode == 0, said


def test_root_is_another_user_too(nobodys):
    with Connection(nobodys[0]) as root:
        try:
            root.send_bytes(GET_TOKEN)
            answer = root.receive_bytes()
        except (Closed, OSError):
            answer = b""
        assert b"LoginNeeded" not in answer and b"access_token" not in answer


def test_roots_client_sends_nothing_to_a_users_socket(nobodys, home):
    env = home.environment()
    refused = subprocess.run([CLIENT, "--socket", nobodys[0], "--no-autostart", "token"], env=env,
                             capture_output=True, text=True, timeout=PATIENCE)
    assert refused.returncode == 3 and refused.stdout == "" and one_line(refused.stderr)


def test_client_sends_no_code_to_a_socket_that_another_user_put_there(home):
    """In a directory of ours, as a mistake in modes might allow."""
    home.socket.parent.mkdir(mode=0o700)
    trap = f"""
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
os.setgid({NOBODY}); os.setuid({NOBODY})
listener.listen()
print("listening", flush=True)
peer, _ = listener.accept()
peer.settimeout({PATIENCE})
try:
    print(repr(peer.recv(65536)), flush=True)
except ConnectionResetError:
    print("b''", flush=True)
"""
    thief = subprocess.Popen(["/usr/bin/python3", "-c", trap, home.socket], stdout=subprocess.PIPE, text=True)
    assert thief.stdout.readline() == "listening\n"
    refused = subprocess.run([CLIENT, "--no-autostart", "login", "--finish", "x"], env=home.environment(),
                             input="secret-code\n", capture_output=True, text=True, timeout=PATIENCE)
    heard, _ = thief.communicate(timeout=PATIENCE)
    assert refused.returncode == 3 and "secret-code" not in heard and heard == "b''\n"


def test_not_even_the_user_looks_into_the_process(nobodys):
    _, pid = nobodys
    for file in "environ", "maps", "mem", "fd":
        looked = subprocess.run([*AS_NOBODY, "ls" if file == "fd" else "cat", f"/proc/{pid}/{file}"],
                                capture_output=True, text=True, timeout=PATIENCE)
        assert looked.returncode != 0 and "Permission denied" in looked.stderr
