"""Many calls and many lifetimes: nothing grows, nothing leaks, no login is lost. `make soak` is more of it."""

import math
import os
import pathlib
import shutil
import socket
import time

import pytest

from clocks import LIFETIME, FastClock, grants
from harness import DAEMON, PATIENCE, TESTS
from varlink import message

CALLS = int(os.environ.get("SOAK_CALLS", 40_000))
REFRESHES = int(os.environ.get("SOAK_REFRESHES", 480))
FEWER = 50                      # times, under valgrind
PROFILES = ("lab", "home", "beam", "night")
SERVICES = ("auth", "groups", "transfer", "search")
N_GRANTS = len(PROFILES) * len(SERVICES)
PIPELINES = 4
PIPELINED = 250                 # calls that are sent at once
WARM_UP = 0.25                  # of it all
GROWTH = 1.05                   # of memory, after that

SANITIZED = b"__asan_init" in DAEMON.read_bytes() if DAEMON.exists() else False
VALGRIND = ("valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
            "--errors-for-leak-kinds=definite,possible",
            f"--suppressions={TESTS / 'torture' / 'valgrind.supp'}")


class Soak:
    """Rounds: all tokens come to their time, are called for meanwhile and afterwards."""

    def __init__(self, agent, refreshes, calls, under=()):
        self.agent = agent
        self.rounds = max(math.ceil(refreshes / N_GRANTS), 4)
        self.batches = math.ceil(calls / self.rounds / PIPELINED)
        self.calls = 0
        self.memory, self.descriptors = [], []
        agent.globus.knobs.rotate = True
        self._clock = FastClock(agent.home.root, agent.globus)
        agent.start(env=self._clock.env, under=under)
        for profile in PROFILES:
            agent.login(*(f"--service={service}" for service in SERVICES), profile=profile)
        self._calls = [message("org.globus.Agent.GetToken", {"profile": profile, "resource": service})
                       for profile in PROFILES for service in SERVICES]

    def run(self):
        pipelines = [socket.socket(socket.AF_UNIX) for _ in range(PIPELINES)]
        for pipeline in pipelines:
            pipeline.settimeout(PATIENCE)
            pipeline.connect(str(self.agent.home.socket))
        for number in range(self.rounds):
            self._round(number, pipelines)
        for pipeline in pipelines:
            pipeline.close()

    def _round(self, number, pipelines):
        self._clock.leap(LIFETIME)
        for batch in range(self.batches):
            self._call(pipelines[batch % PIPELINES], batch)
        self._clock.settle([self.agent])
        self._come_and_go(PROFILES[number % len(PROFILES)])
        self.memory.append(self._memory())
        self.descriptors.append(self._descriptors())

    def _call(self, pipeline, first):
        calls = [self._calls[(first + i) % N_GRANTS] for i in range(PIPELINED)]
        pipeline.sendall(b"".join(calls))
        answers = b""
        while answers.count(0) < PIPELINED:
            received = pipeline.recv(1 << 20)
            assert received, answers
            answers += received
        assert answers.count(b'"access_token":') == PIPELINED, answers[:1000]
        self.calls += PIPELINED

    def _come_and_go(self, profile):
        """Neighbours who ask little, each on a connection of their own, and a guest who leaves for good."""
        for service in SERVICES:
            with self.agent.connect() as program:
                program.call("GetToken", profile=profile, resource=service)
        with self.agent.connect() as program:
            program.call("ListGroups", profile=profile, max_age=0)
        self.agent.ctl("-p", profile, "token").ok()
        self.agent.login(profile="guest", user=self.agent.globus.ben)
        self.agent.ctl("-p", "guest", "logout").ok()

    def _memory(self):
        status = pathlib.Path(f"/proc/{self.agent.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def _descriptors(self):
        """What is not dumpable can be looked at by root only."""
        return len(os.listdir(f"/proc/{self.agent.pid}/fd")) if os.geteuid() == 0 else 0

    def check(self):
        globus = self.agent.globus
        assert not [request for request in globus.log if "refresh" in request.names and request.status != 200]
        assert globus.count("refresh") >= self.rounds * N_GRANTS
        assert {grant["state"] for grant in grants(self.agent.status)} == {"valid"}
        assert len(grants(self.agent.status)) == N_GRANTS

    def check_growth(self):
        """Descriptors come and go with connections and locks, but never below those that leaked."""
        warm = int(self.rounds * WARM_UP)
        early, late = self.descriptors[:warm], self.descriptors[-warm:]
        print(f"\n{self.calls} calls, {self.agent.globus.count('refresh')} refreshes; "
              f"memory {max(self.memory[:warm])} kB, then {max(self.memory[warm:])}; "
              f"descriptors {min(early)} to {max(early)}, in the end {min(late)} to {max(late)}")
        assert max(self.memory[warm:]) <= GROWTH * max(self.memory[:warm])
        assert min(late) <= min(early)


@pytest.mark.skipif(SANITIZED, reason="the sanitizers keep what is freed")
def test_nothing_grows(stopped_agent):
    soak = Soak(stopped_agent, REFRESHES, CALLS)
    started = time.monotonic()
    soak.run()
    print(f"\n{time.monotonic() - started:.0f} s")
    soak.check()
    soak.check_growth()


@pytest.mark.skipif(SANITIZED, reason="valgrind and the sanitizers do not go together")
@pytest.mark.skipif(not shutil.which("valgrind"), reason="needs valgrind")
def test_nothing_leaks(stopped_agent):
    soak = Soak(stopped_agent, REFRESHES // FEWER, CALLS // FEWER, under=VALGRIND)
    soak.run()
    soak.check()
    stopped_agent.stop()
