"""Killed while its key is changed, or while it is locked or unlocked, the agent keeps the login: the store
opens as it did, or as it was to.

Each protector is changed to each other one. Deriving a key from a passphrase takes a while, so where there is
one only some of the instants are tried; which ones differs from change to change.
"""

import itertools

import pytest

from globus import AUTH, GROUPS
from torture import SANITIZED, Operation, every_point, may_trace

PASSPHRASES = "one passphrase", "another passphrase"
PASSWORD = "the password of a lock"
PROTECTORS = "keyfile", "plaintext", "passphrase", "memory"


@pytest.fixture(autouse=True)
def tracing(stopped_agent):
    if not may_trace(stopped_agent):
        pytest.skip("nothing may be traced here")


def call(agent, method, **parameters):
    with agent.connect() as program:
        return program.call(method, **parameters)


def log_in(agent):
    login = call(agent, "StartLogin")
    code = agent.globus.approve(login["authorize_urls"][0]["url"])
    return call(agent, "FinishLogin", login_id=login["login_id"], code=code)


def set_key(agent, protector, passphrase):
    more = {"passphrase": passphrase} if protector == "passphrase" else {}
    return call(agent, "SetKey", protector=protector, force=True, **more)


def unlock(agent, passphrases):
    """With one of them, and tells with which."""
    with agent.connect() as program:
        for passphrase in passphrases:
            program.send("org.globus.Agent.Unlock", {"passphrase": passphrase})
            if "error" not in program.receive():
                return passphrase
    raise AssertionError("no passphrase opens the store")


def answered(agent):
    """What the store says of itself, once the disk has answered."""
    return agent.wait_for(lambda status: status["store"]["state"] != "opening")["store"]


def assert_logged_in(agent):
    account, = agent.status["profiles"]
    assert {grant["resource_server"] for grant in account["grants"]} == {AUTH, GROUPS}
    assert call(agent, "GetToken", refresh=True)["access_token"]


def header(store):
    """With the wrapped key at its end, of a store with a short one."""
    return store.read_bytes()[:69]


class KeyChange(Operation):
    """From one protector to another, or to a new key of the same one."""

    becomes = {"old", "new"}

    def __init__(self, old, new):
        self.old, self.new = old, new

    def prepare(self, agent):
        if self.old != "memory":
            log_in(agent)
        set_key(agent, self.old, PASSPHRASES[0])

    def begin(self, agent):
        if self.old == "passphrase":
            unlock(agent, PASSPHRASES[:1])
        if self.old == "memory":
            log_in(agent)

    def run(self, agent, _task):
        return set_key(agent, self.new, PASSPHRASES[1])

    def reach(self, agent):
        store = answered(agent)
        assert (store["state"] == "locked") == store["needs_passphrase"] == (store["protector"] == "passphrase")
        assert store["state"] != "unreadable" and not store.get("error"), store

    def check(self, agent, _ledger, answer):
        store = answered(agent)
        protector, used = store["protector"], None
        if store["needs_passphrase"]:
            used = unlock(agent, self._passphrases())
        became = self._became(agent, protector, used)
        assert became != "old" or not answer, "a change that was told of is undone"
        if protector == "memory":
            assert not agent.status["profiles"]         # it went with the one that was killed, as was asked for
            log_in(agent)
        assert_logged_in(agent)
        assert agent.home.key.exists() or protector != "keyfile"
        set_key(agent, "plaintext", None)               # and what was left behind is in nobody's way
        assert not list(agent.home.config.glob("key*"))
        return became

    def _passphrases(self):
        """Those that it may have by now."""
        return [passphrase for protector, passphrase in zip((self.old, self.new), PASSPHRASES)
                if protector == "passphrase"]

    def _became(self, agent, protector, used):
        if self.old != self.new:
            assert protector in (self.old, self.new)
            return "new" if protector == self.new else "old"
        assert protector == self.old
        if used:
            return "old" if used == PASSPHRASES[0] else "new"
        before = agent.home.root / "saved" / agent.home.state_home.name / "globus-agent" / "store"
        return "old" if header(before) == header(agent.home.store) else "new"


class Locking(Operation):
    """With a password, without which it is not to be unlocked afterwards."""

    becomes = {"old", "new"}

    def prepare(self, agent):
        log_in(agent)

    def run(self, agent, _task):
        return call(agent, "Lock", passphrase=PASSWORD) == {}

    def reach(self, agent):
        store = answered(agent)
        assert store["needs_passphrase"] == (store["state"] == "locked") and not store.get("error"), store

    def check(self, agent, _ledger, answer):
        locked = agent.status["store"]["needs_passphrase"]
        assert locked or not answer, "a lock that was told of is undone"
        if locked:
            unlock(agent, [PASSWORD])
        assert_logged_in(agent)
        return "new" if locked else "old"


class Unlocking(Locking):
    """Which takes the password off for good."""

    def prepare(self, agent):
        log_in(agent)
        call(agent, "Lock", passphrase=PASSWORD)

    def run(self, agent, _task):
        return call(agent, "Unlock", passphrase=PASSWORD) == {}

    def check(self, agent, _ledger, answer):
        locked = agent.status["store"]["needs_passphrase"]
        assert not locked or not answer, "an unlocking that was told of is undone"
        if locked:
            unlock(agent, [PASSWORD])
        assert_logged_in(agent)
        return "old" if locked else "new"


CHANGES = list(itertools.product(PROTECTORS, PROTECTORS))


def assert_seen(became, words):
    """A sanitizer leaves too few points for each to be sure to be among them."""
    assert became.keys() == words or (SANITIZED and became.keys() < words)


def steps(index, pair):
    """The first instant, and how far the next one is."""
    step = 9 if "passphrase" in pair else 1 if pair == ("keyfile", "keyfile") else 2
    return 1 + index % step, step


@pytest.mark.parametrize("index", range(len(CHANGES)), ids=map("-".join, CHANGES))
def test_killed_while_the_key_is_changed(index):
    pair = CHANGES[index]
    became = every_point(KeyChange(*pair), *steps(index, pair))
    print(f"{pair}: {sum(became.values())} points, {dict(became)}")
    assert_seen(became, KeyChange.becomes)


@pytest.mark.parametrize("operation", [Locking, Unlocking])
def test_killed_while_locking_with_a_password(operation):
    became = every_point(operation(), step=8)
    print(f"{operation.__name__}: {sum(became.values())} points, {dict(became)}")
    assert_seen(became, operation.becomes)
