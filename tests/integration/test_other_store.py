"""A store that is not this user's, or not what it was, is refused with a sentence, and left as it is.

Copied to another uid's home, put together of two, put in place of another, and with each of its bytes changed:
under each protector, and locked with a password.
"""

import os
import shutil
import signal
import subprocess

import pytest

from harness import DAEMON, PATIENCE, Agent, Home, one_line

NOBODY = 65534
PASSPHRASE = "the passphrase of a store"
SCRYPTS = 7                     # of so many changed stores that take one each, one is tried

as_root = [pytest.mark.skipif(os.geteuid() != 0, reason="takes root, who can be anybody"),
           pytest.mark.skipif(not shutil.which("setpriv"), reason="there is no setpriv")]


def call(agent, method, **parameters):
    with agent.connect() as program:
        return program.call(method, **parameters)


def error(agent, method, **parameters):
    with agent.connect() as program:
        return program.error(method, **parameters)


def protect(agent, how):
    """As its name says. Afterwards nobody runs."""
    protector = "keyfile" if how == "locked" else how
    more = {"passphrase": PASSPHRASE} if how == "passphrase" else {}
    call(agent, "SetKey", protector=protector, force=True, **more)
    if how == "locked":
        call(agent, "Lock", passphrase=PASSPHRASE)
    agent.stop()


def needs_passphrase(how):
    return how in ("passphrase", "locked")


def asked(agent, how):
    """What came of opening the store: its state, and the error if there is one."""
    agent.wait_for(lambda status: status["store"]["state"] != "opening")
    refused = None
    if agent.status["store"]["state"] == "locked":
        with agent.connect() as person:
            person.send("org.globus.Agent.Unlock", {"passphrase": PASSPHRASE})
            refused = person.receive().get("error", "").rpartition(".")[2]
    status = agent.status
    assert not status["profiles"], "a login came out of it"
    return status["store"], refused


def assert_refused(agent, how, *words):
    """One line, exit status, and the file as it was."""
    before = agent.home.store.read_bytes()
    store, refused = asked(agent, how)
    if refused == "WrongPassphrase":            # which a changed salt, say, cannot be told from
        assert needs_passphrase(how) and store["state"] == "locked"
        assert agent.ctl("token").status == 5
    else:
        assert store["state"] == "unreadable" and (not refused or refused == "StorageFailed")
        said = agent.ctl("token")
        assert said.status == 1 and one_line(said.err) and "logout --all" in said.err + store["error"]
        assert any(word in said.err for word in words), said.err
    assert agent.home.store.read_bytes() == before
    assert not [name for name in os.listdir(agent.home.state) if name.startswith("store-")]


# Another uid

@pytest.fixture
def give():
    """A copy of what is stored, in the home of another user."""
    home = Home()

    def copy(source):
        shutil.copytree(source.state, home.state)
        shutil.copytree(source.config, home.config, ignore=shutil.ignore_patterns("config.json"))
        for path, directories, files in os.walk(home.root):
            for name in ["", *directories, *files]:
                os.chown(os.path.join(path, name), NOBODY, NOBODY)
        return home
    yield copy
    home.remove()


PROBE = """
import json, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.settimeout(60)
connection.connect(sys.argv[1])
for method in sys.argv[2:]:
    connection.sendall(b'{"method":"org.globus.Agent.%s"}' % method.encode() + bytes(1))
    answer = b""
    while not answer.endswith(bytes(1)):
        answer += connection.recv(65536)
    print(answer[:-1].decode())
"""


def probe(home, *methods):
    """What the agent of that user answers to that user."""
    nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
    home.socket.parent.mkdir(mode=0o700, exist_ok=True)
    os.chown(home.socket.parent, NOBODY, NOBODY)
    reader, writer = os.pipe()
    daemon = subprocess.Popen([*nobody, DAEMON, "--socket", home.socket, "--ready-fd", str(writer)],
                              env=home.environment(), pass_fds=[writer], stderr=subprocess.PIPE, text=True)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read(1)
    try:
        return subprocess.run([*nobody, "/usr/bin/python3", "-c", PROBE, home.socket, *methods], check=True,
                              capture_output=True, text=True, timeout=PATIENCE * 2).stdout
    finally:
        daemon.send_signal(signal.SIGTERM)
        said = daemon.communicate(timeout=PATIENCE)[1]
        assert daemon.returncode == 0, said


class TestAnotherUid:
    pytestmark = as_root

    def test_copy_of_store_and_key_file(self, ada, give):
        token = ada.token()
        protect(ada, "keyfile")
        home = give(ada.home)
        before = home.store.read_bytes()
        answers = probe(home, "GetStatus", "GetToken")
        assert "does not open with the key file" in answers and "StorageFailed" in answers
        assert token not in answers and ada.globus.ada.username not in answers
        assert home.store.read_bytes() == before and home.key.exists()

    def test_that_user_may_have_a_copy_without_protection(self, ada, give):
        """Which is what it says."""
        token = ada.token()
        protect(ada, "plaintext")
        assert token in probe(give(ada.home), "GetToken")

    def test_files_of_another_uid(self, ada):
        """Left where they were, but somebody else's by now."""
        for path in ada.home.store, ada.home.key:
            ada.stop()
            os.chown(path, NOBODY, NOBODY)
            ada.start()
            said = ada.ctl("token")
            assert said.status == 1 and one_line(said.err) and str(path) in said.err
            assert ada.status["store"]["state"] == "unreadable"
            os.chown(path, 0, 0)
            ada.restart()
            ada.token()


# Of another store

@pytest.fixture
def stranger(globus):
    """Ben's, in a home of its own, of the same uid."""
    home = Home()
    agent = Agent(home, globus).start()
    agent.login(user=globus.ben)
    yield agent
    if agent.process:
        agent.stop()
    home.remove()


def split(store):
    """The header (magic, format, id; name, parameters and wrapped key behind their lengths) and the body."""
    at = 8 + 2 + 16
    for width in 1, 2, 2:
        at += width + int.from_bytes(store[at:at + width], "big")
    return store[:at], store[at:]


HOW = ["keyfile", "passphrase", "plaintext", "locked"]


@pytest.mark.parametrize("how", HOW)
def test_header_of_one_store_before_the_body_of_another(ada, stranger, how):
    protect(ada, how)
    protect(stranger, how)
    headers_and_bodies = [split(agent.home.store.read_bytes()) for agent in (ada, stranger)]
    ada.home.store.write_bytes(headers_and_bodies[0][0] + headers_and_bodies[1][1])
    ada.start()
    assert_refused(ada, how, "damaged or cut short")


@pytest.mark.parametrize("how", HOW)
def test_body_of_an_older_key_of_the_same_store(ada, how):
    """The header before the key was changed, the body after it; and the other way around."""
    protect(ada, how)
    old, key = split(ada.home.store.read_bytes()), ada.home.key.exists() and ada.home.key.read_bytes()
    ada.start()
    if needs_passphrase(how):
        call(ada, "Unlock", passphrase=PASSPHRASE)
    protect(ada, how)
    new = split(ada.home.store.read_bytes())
    for header, body in (old[0], new[1]), (new[0], old[1]):
        if key and header is old[0]:
            ada.home.key.write_bytes(key)
        ada.home.store.write_bytes(header + body)
        ada.start()
        assert_refused(ada, how, "damaged or cut short", "does not open with the key file")
        ada.stop()


def test_store_of_another_home(ada, stranger):
    """Of the same uid: its key file is another one."""
    protect(ada, "keyfile")
    protect(stranger, "keyfile")
    shutil.copy2(stranger.home.store, ada.home.store)
    ada.start()
    assert_refused(ada, "keyfile", "does not open with the key file")


def test_store_of_another_home_while_it_runs(ada, stranger):
    """What is in memory goes on, and is not written over what is there."""
    token = ada.token()
    protect(stranger, "keyfile")
    stolen = stranger.home.store.read_bytes()
    ada.home.store.write_bytes(stolen)
    assert ada.token() == token
    ada.token("--refresh")
    status = ada.wait_for(lambda status: status["store"].get("error"))["store"]
    assert not status["saved"] and ada.home.store.read_bytes() == stolen
    assert ada.ctl("whoami").ok().out == f"{ada.globus.ada.username}\n"
    ada.token("--refresh")
    assert ada.end(signal.SIGTERM) == 1         # what it could not save is lost, and it says so
    assert ada.home.store.read_bytes() == stolen


def test_store_with_another_passphrase_while_it_runs(ada, stranger):
    """The file is the truth: whoever has it is to say the passphrase."""
    ada.token()
    protect(stranger, "passphrase")
    stolen = stranger.home.store.read_bytes()
    ada.home.store.write_bytes(stolen)
    ada.ctl("login", "--start")
    ada.wait_for(lambda status: status["store"]["state"] == "locked")
    assert ada.ctl("token").status == 5 and ada.home.store.read_bytes() == stolen
    assert error(ada, "Unlock", passphrase="another").short == "WrongPassphrase"


# Each byte

def variants(store):
    """With one bit changed, of each byte another one."""
    for offset in range(len(store)):
        changed = bytearray(store)
        changed[offset] ^= 1 << offset % 8
        yield offset, bytes(changed)


@pytest.mark.parametrize("how", ["keyfile", "plaintext", "memory"])
def test_every_byte(agent, how):
    """Of a store that is as small as can be."""
    protect(agent, how)
    whole = agent.home.store.read_bytes()
    for offset, changed in variants(whole):
        agent.home.store.write_bytes(changed)
        agent.start()
        store = agent.wait_for(lambda status: status["store"]["state"] != "opening")["store"]
        assert store["state"] == "unreadable", f"byte {offset}"
        said = agent.ctl("token")
        assert said.status == 1 and one_line(said.err) and "store" in said.err, f"byte {offset}: {said.err}"
        agent.stop()
        assert agent.home.store.read_bytes() == changed
    agent.home.store.write_bytes(whole)
    agent.start()
    assert agent.status["store"]["state"] in ("open", "none")


@pytest.mark.parametrize("how", ["passphrase", "locked"])
def test_every_byte_behind_a_passphrase(agent, how):
    """At least every seventh of them."""
    protect(agent, how)
    whole = agent.home.store.read_bytes()
    for offset, changed in list(variants(whole))[::SCRYPTS]:
        agent.home.store.write_bytes(changed)
        agent.start()
        store, refused = asked(agent, how)
        assert refused in ("WrongPassphrase", "StorageFailed", None), f"byte {offset}"
        assert store["state"] in ("locked", "unreadable"), f"byte {offset}"
        assert refused or store["state"] == "unreadable", f"byte {offset}"
        agent.stop()
        assert agent.home.store.read_bytes() == changed
    agent.home.store.write_bytes(whole)
    agent.start()
    call(agent, "Unlock", passphrase=PASSPHRASE)
    assert agent.status["store"]["state"] in ("open", "none")


# Policy

def test_policy_refuses_a_key(ada):
    ada.home.configure({**ada.settings, "policy": {"protectors": ["keyfile"]}})
    ada.restart()
    before = ada.home.store.read_bytes()
    for protector, more in (("plaintext", {"force": True}), ("memory", {}), ("systemd-creds", {}),
                            ("passphrase", {"passphrase": PASSPHRASE})):
        refused = error(ada, "SetKey", protector=protector, **more)
        assert refused.short == "Refused" and protector in refused.parameters["message"]
        assert "config.json" in refused.parameters["message"]
    assert ada.home.store.read_bytes() == before
    call(ada, "SetKey", protector="keyfile")
    call(ada, "SetKey", protector="auto")
    assert ada.status["store"]["protector"] == "keyfile"


def test_policy_that_came_later_than_the_store(ada):
    token = ada.token()
    call(ada, "SetKey", protector="plaintext", force=True)
    ada.home.configure({**ada.settings, "policy": {"protectors": ["keyfile"]}})
    ada.restart()
    assert ada.token() == token
    problem = next(problem for problem in ada.status["problems"] if "policy" in problem)
    assert "plaintext" in problem and "key keyfile" in problem
    assert "policy" in ada.ctl("status").out
    call(ada, "SetKey", protector="auto")
    assert not any("policy" in problem for problem in ada.status["problems"])
    assert ada.token() == token


def test_policy_that_leaves_nothing_for_a_first_login(agent):
    """A passphrase nobody was asked for: the login stays in memory, and says so."""
    agent.home.configure({**agent.settings, "policy": {"protectors": ["passphrase"]}})
    agent.restart()
    login = agent.start_login()
    agent.finish_login(login, agent.globus.approve(login["authorize_url"]))
    assert not agent.home.store.exists()
    store = agent.status["store"]
    assert not store["saved"] and "policy" in store["error"]
    call(agent, "SetKey", protector="passphrase", passphrase=PASSPHRASE)
    agent.wait_saved()
    assert agent.status["store"]["protector"] == "passphrase"
