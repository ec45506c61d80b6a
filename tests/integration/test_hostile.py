"""Countless connections: whoever comes next is let in, and nobody who is served notices."""

import multiprocessing
import resource
import time

import pytest

from harness import PATIENCE
from neighbours import (AGENT, MIB, assert_idle, assert_recovered, crowd, descriptors, is_closed, is_sanitized,
                        knock, memory, processor_time, served_meanwhile)
from varlink import Closed, message

HALF_A_CALL = b'{"method":"org.globus.Agent.GetTok'
WAITS = message(f"{AGENT}.GetToken", {"refresh": True})
MORE = 60                       # than there are places


@pytest.fixture
def small(stopped_agent):
    """Ada's agent with eight places, for it may not open many files."""
    stopped_agent.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (72, 72)))
    stopped_agent.login()
    return stopped_agent


# All places taken

def test_silent_connections_shut_nobody_out(ada):
    places, before = ada.status["connections_max"], descriptors(ada)
    with served_meanwhile(ada), crowd(ada, places + MORE) as silent:
        assert ada.token()
        assert ada.status["connections"] == places
        closed = [is_closed(connection) for connection in silent]
        assert all(closed[:MORE]) and not any(closed[MORE + 5:])        # who had been silent for the longest
    assert_recovered(ada, before)
    assert "closing who has been idle for the longest" in ada.log


def test_half_messages_shut_nobody_out(ada):
    places, before, memory_before = ada.status["connections_max"], descriptors(ada), memory(ada)
    with served_meanwhile(ada), crowd(ada, places + MORE, HALF_A_CALL, HALF_A_CALL + b" " * 65000):
        assert ada.token()
        assert ada.status["connections"] == places
    assert is_sanitized(ada) or memory(ada) - memory_before < 160 * MIB
    assert_recovered(ada, before)


def test_fewer_files_mean_fewer_places(small):
    status = small.status
    assert status["connections_max"] == 8
    assert any("open files" in problem for problem in status["problems"])
    with crowd(small, 20):
        assert small.token() and small.token("--refresh")       # one is left for Globus, and for the disk
        small.wait_saved()


def test_who_is_served_is_not_sent_away(small):
    small.globus.faults.refresh.hold()
    with crowd(small, 8, WAITS) as served:
        small.globus.wait_for(lambda: small.globus.faults.refresh.held == 1, PATIENCE)
        before = processor_time(small)
        for _ in range(50):
            assert is_refused(small)
        assert processor_time(small) - before < 0.5 and not any(map(is_closed, served))

        small.globus.faults.refresh.release()
        for connection in served:
            connection.settimeout(PATIENCE)
            assert b"access_token" in connection.recv(65536)
        assert small.token()
    assert "letting nobody else in" in small.log


def is_refused(agent):
    with agent.connect() as program:
        try:
            program.call("GetStatus")
        except (Closed, BrokenPipeError, ConnectionResetError):
            return True
    return False


# No descriptor left

def test_out_of_descriptors(ada):
    """Others are served, the newcomer takes the place of one that is idle, and the loop does not spin."""
    before = descriptors(ada)
    soft, hard = resource.prlimit(ada.pid, resource.RLIMIT_NOFILE)
    with crowd(ada, 20) as silent:
        ada.wait_for(lambda status: status["connections"] == 21)
        resource.prlimit(ada.pid, resource.RLIMIT_NOFILE, (descriptors(ada), hard))
        try:
            with served_meanwhile(ada):
                assert ada.token() and is_closed(silent[0])
                assert not is_closed(silent[19])
        finally:
            resource.prlimit(ada.pid, resource.RLIMIT_NOFILE, (soft, hard))
        assert ada.token()
    assert_recovered(ada, before)


def test_out_of_descriptors_with_nobody_to_send_away(ada):
    """Whoever is let in is served; who comes then waits, and costs nothing, until there is room."""
    before = descriptors(ada)
    soft, hard = resource.prlimit(ada.pid, resource.RLIMIT_NOFILE)
    with ada.connect() as program:
        program.call("GetStatus")
        ada.globus.faults.refresh.hold()
        program.send(f"{AGENT}.GetToken", {"refresh": True, "timeout": 2})
        ada.globus.wait_for(lambda: ada.globus.faults.refresh.held == 1, PATIENCE)
        resource.prlimit(ada.pid, resource.RLIMIT_NOFILE, (descriptors(ada), hard))
        try:
            with knock(ada.home.socket) as waiting:
                waiting.sendall(message(f"{AGENT}.GetStatus"))
                spent = processor_time(ada)
                assert program.receive()["error"] == f"{AGENT}.Unavailable"     # two seconds later
                assert processor_time(ada) - spent < 0.4
                assert b"connections" in waiting.recv(65536)
        finally:
            resource.prlimit(ada.pid, resource.RLIMIT_NOFILE, (soft, hard))
    assert_recovered(ada, before)


# Coming and going

def flood(path, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for _ in range(100):
            knock(path).close()


def test_connect_flood(ada):
    before = descriptors(ada)
    with served_meanwhile(ada):
        flooders = [multiprocessing.Process(target=flood, args=(ada.home.socket, 1.0)) for _ in range(2)]
        for flooder in flooders:
            flooder.start()
        assert ada.token()
        for flooder in flooders:
            flooder.join(PATIENCE)
            assert flooder.exitcode == 0
    assert_recovered(ada, before)


def test_clients_that_vanish_in_every_state(ada):
    before = descriptors(ada)
    pipeline = message(f"{AGENT}.GetStatus") * 500
    with served_meanwhile(ada):
        ada.globus.faults.refresh.hold()
        ada.globus.faults.my_groups.hold()
        groups = message(f"{AGENT}.ListGroups", {"max_age": 0})
        for _ in range(3):
            with crowd(ada, 210, b"", HALF_A_CALL, WAITS, WAITS + pipeline, groups, pipeline, pipeline + WAITS):
                pass
    ada.wait_for(lambda status: status["connections"] == 1)
    with ada.connect() as program:
        assert_idle(ada, program)               # although Globus still owes the answers
    ada.globus.faults.clear()
    assert_recovered(ada, before)


def test_half_closed_connections_cost_nothing(ada):
    """They have said all that they will, and wait for an answer: there is nothing to do until it comes."""
    ada.globus.faults.refresh.hold()
    with crowd(ada, 50, WAITS, WAITS + b"garbage\0" * 10, WAITS * 10) as waiting, ada.connect() as program:
        for connection in waiting:
            connection.shutdown(1)
        ada.wait_for(lambda status: status["connections"] == 52)
        assert_idle(ada, program)
        ada.globus.faults.clear()
        for connection in waiting:
            connection.settimeout(PATIENCE)
            assert connection.recv(10)
