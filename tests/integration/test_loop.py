"""Nothing in the loop takes long: of all its turns the longest is measured, in CPU time of its thread."""

import json
import mmap
import signal
import struct
import subprocess

import pytest

from harness import BUILD, DAEMON, GROUPS, PATIENCE, Agent, finish
from neighbours import AGENT, crowd

TORTURE = BUILD / "tests" / "torture"
LIBRARY = TORTURE / "loop-watch.so"
LONGEST = 10.0                  # milliseconds
PROFILES = [f"p{number}" for number in range(50)]
CALLERS = 300
INVALID = b'{"error":"org.varlink.service.InvalidParameter","parameters":{"parameter":"x"}}\0'
SANITIZED = b"__asan_init" in DAEMON.read_bytes() if DAEMON.exists() else False

pytestmark = pytest.mark.skipif(SANITIZED, reason="the sanitizers take their time")


class Turns:
    def __init__(self, directory):
        assert LIBRARY.exists(), "it is not built: make unit-programs"
        path = directory / "loop-watch"
        path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)
        self.env = {"LD_PRELOAD": str(LIBRARY), "LOOP_WATCH": str(path),
                    "GLIBC_TUNABLES": "glibc.malloc.perturb=90:glibc.malloc.tcache_count=0"}

    @property
    def longest(self) -> float:
        return struct.unpack("q", self._map[:])[0] / 1e6


@pytest.fixture
def turns(stopped_agent):
    return Turns(stopped_agent.home.root)


def test_listing_of_thousands(stopped_agent, turns):
    agent = stopped_agent.start(env=turns.env)
    agent.login()
    agent.globus.make_groups(5000)
    for waiting in [agent.spawn("groups", "--max-age", "0", stdout=subprocess.DEVNULL) for _ in range(8)]:
        assert finish(waiting).status == 0
    assert 0 < turns.longest < LONGEST


def test_listing_as_large_as_one_reply(stopped_agent, turns):
    agent = stopped_agent.start(env=turns.env)
    agent.login()
    agent.globus.faults.my_groups.answer(200, body=json.dumps([{"id": "i", "name": "n" * 5000}] * 2900))
    assert agent.ctl("groups", "--max-age", "0").ok().out.count("n" * 5000) == 2900
    assert 0 < turns.longest < LONGEST


DENSE_GROUPS = {
    "many": '{"id":"","name":""}',
    "numbers": '{"id":"","name":"","x":[%s]}' % ",".join(["0"] * 16000),
    "lists": '{"id":"","name":"","x":[%s]}' % ",".join(["[]"] * 1000),
    "objects": '{"id":"","name":"","x":[%s]}' % ",".join(["{}"] * 1000),
    "names": '{"id":"","name":"",%s}' % ",".join(f'"{number}":0' for number in range(8000)),
    "escapes": '{"id":"","name":"%s"}' % (r"\u0001" * 21000),
    "too many values": '{"id":"","name":"","x":[%s]}' % ",".join(["{}"] * 80000),
    "too long": '{"id":"","name":"%s"}' % (r"\n" * 500000),
}


@pytest.mark.parametrize("what", DENSE_GROUPS)
def test_dense_listings(stopped_agent, turns, what):
    """Of some megabytes, from a server that means no good."""
    agent = stopped_agent.start(env=turns.env)
    agent.login()
    group = DENSE_GROUPS[what]
    agent.globus.faults.my_groups.answer(200, body=f"[{','.join([group] * (2_500_000 // len(group)))}]")
    assert agent.ctl("groups", "--max-age", "0").status == (6 if "too" in what else 0)
    assert 0 < turns.longest < LONGEST


def test_long_refusal(stopped_agent, turns):
    agent = stopped_agent.start(env=turns.env)
    agent.login()
    agent.globus.faults.refresh.answer(400, body='{"error":"%s"}' % (r"\u0001" * 174000))
    assert agent.ctl("token", "--refresh").status == 6
    assert 0 < turns.longest < LONGEST


def test_crowd_whose_tokens_are_all_over(stopped_agent, turns):
    """Fifty profiles, four services each, and hundreds who ask for one of them."""
    agent = stopped_agent
    agent.login_overdue(PROFILES)
    agent.start(env=turns.env)
    callers = [agent.connect() for _ in range(CALLERS)]
    for number, caller in enumerate(callers):
        caller.send("org.globus.Agent.GetToken", {"profile": PROFILES[number % 50]})
    for caller in callers:
        assert caller.result("org.globus.Agent.GetToken")["resource_server"] == GROUPS
        caller.close()
    agent.globus.wait_for(lambda: agent.globus.count("refresh", status=200) >= 200, PATIENCE)
    agent.ctl("status").ok()
    assert 0 < turns.longest < LONGEST


def test_store_of_a_thousand_profiles(stopped_agent, turns):
    """Read at the start, written with a login, and read again with another daemon's."""
    agent = stopped_agent
    subprocess.run([TORTURE / "fill-store", "1000"], env=agent.home.environment(), check=True)
    agent.start(env=turns.env)
    assert agent.token("--profile", "p500").startswith("access-of-p500")
    agent.login(profile="mine")
    other = Agent(agent.home.twin(), agent.globus).start()
    other.login(profile="theirs")
    assert other.token("--profile", "mine") == agent.token("--profile", "mine")
    assert other.token("--profile", "theirs") == agent.token("--profile", "theirs")
    other.stop()
    assert 0 < turns.longest < LONGEST


def test_lost_store_of_many_profiles(stopped_agent, turns):
    """All of it is written anew."""
    agent = stopped_agent
    subprocess.run([TORTURE / "fill-store", "400"], env=agent.home.environment(), check=True)
    agent.start(env=turns.env)
    agent.token("--profile", "p300")
    agent.home.store.unlink()
    agent.ctl("login", "--start").ok()
    agent.wait_for(lambda status: status["store"]["saved"] and agent.home.store.exists())
    assert 0 < turns.longest < LONGEST


DENSE = [b'"a"', b"0", b"[]", b"{}", b'[{"":[]}]']


@pytest.mark.parametrize("value", DENSE)
def test_neighbours_with_dense_calls(stopped_agent, turns, value):
    """All at once, each with as many values as it has room for: it is answered, or closes the connection."""
    agent = stopped_agent.start(env=turns.env)
    head, tail = b'{"method":"%s.GetStatus","parameters":{"x":[' % AGENT.encode(), b"]}}\0"
    values = b",".join([value] * ((65536 - len(head) - len(tail) + 1) // (len(value) + 1)))
    with crowd(agent, 32) as neighbours:
        agent.wait_for(lambda status: status["connections"] == 33)
        agent.process.send_signal(signal.SIGSTOP)
        for neighbour in neighbours:
            neighbour.sendall(head + values + tail)
        agent.process.send_signal(signal.SIGCONT)
        for neighbour in neighbours:
            assert neighbour.recv(65536) in (b"", INVALID)
    assert 0 < turns.longest < LONGEST
