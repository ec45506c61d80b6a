"""Hostile neighbours: what they do to the daemon, and what somebody well-behaved notices of it.

As a program: calls GetToken over and over until its input ends, and prints the longest that it had to wait. It
is a process of its own, so that nothing in the test's holds it up.
"""

import contextlib
import os
import pathlib
import resource
import select
import socket
import subprocess
import sys
import time

from varlink import message

AGENT = "org.globus.Agent"
GET_TOKEN = message(f"{AGENT}.GetToken", {"resource": "auth"})
LATE = 2.0                      # seconds: a thousand times as long as it takes
PYTHON = "/usr/bin/python3"
MIB = 1024 * 1024


# Somebody well-behaved

@contextlib.contextmanager
def served_meanwhile(agent, late: float = LATE):
    """As long as this lasts a token that is cached is to be had, and nobody waits long for it."""
    caller = subprocess.Popen([PYTHON, __file__, agent.home.socket], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    try:
        assert caller.stdout.readline() == "serving\n"
        yield
        out, _ = caller.communicate(timeout=60)
    finally:
        caller.kill()
        caller.wait()
    calls, longest = out.split()
    assert caller.returncode == 0 and int(calls) > 0
    assert float(longest) < late, f"somebody waited for {longest} s"


def call_over_and_over(path: str) -> None:
    calls, longest, connection = 0, 0.0, knock(path)
    while not select.select([sys.stdin], [], [], 0.001 if calls else 0)[0]:
        before = time.perf_counter()
        while not ask(connection):
            connection = knock(path)        # it was idle for a moment, and others came: that is allowed
        longest = max(longest, time.perf_counter() - before)
        calls += 1
        if calls == 1:
            print("serving", flush=True)
    print(calls, longest)


def ask(connection: socket.socket) -> bool:
    """False: the connection was closed before there was an answer."""
    answer = b""
    try:
        connection.sendall(GET_TOKEN)
        while not answer.endswith(b"\0"):
            data = connection.recv(65536)
            if not data:
                return False
            answer += data
    except (BrokenPipeError, ConnectionResetError):
        return False
    assert b'"access_token"' in answer, answer
    return True


# Those who are not

def knock(path, timeout: float = 20.0) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))           # waits for its turn: with a timeout it would not
    connection.settimeout(timeout)
    return connection


@contextlib.contextmanager
def crowd(agent, size: int, *messages: bytes):
    """So many connections, each with one of the messages sent, in turn. All are closed at the end."""
    raise_descriptor_limit(size + 100)
    connections = []
    try:
        for index in range(size):
            connections.append(knock(agent.home.socket))
            if messages:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    connections[-1].sendall(messages[index % len(messages)])
        yield connections
    finally:
        for connection in connections:
            connection.close()


def raise_descriptor_limit(needed: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, needed)), hard))


def is_closed(connection: socket.socket) -> bool:
    """By now. What was sent before the end is passed over."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionResetError:
        pass
    return True


# What it costs the daemon

def descriptors(agent) -> int:
    return len(os.listdir(f"/proc/{agent.pid}/fd"))


def memory(agent, name: str = "VmHWM") -> int:
    """Bytes: at most so far, or now (VmRSS)."""
    lines = pathlib.Path(f"/proc/{agent.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def is_sanitized(agent) -> bool:
    """Sanitizers keep what was freed, and more: what memory they take says nothing."""
    return "libasan" in pathlib.Path(f"/proc/{agent.pid}/maps").read_text()


def processor_time(agent) -> float:
    fields = pathlib.Path(f"/proc/{agent.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def assert_idle(agent, program, resource_name: str = "groups") -> None:
    """Soon the daemon does next to nothing while it waits, for a second, for an answer that does not come."""
    agent.globus.faults.refresh.hold()
    deadline = time.monotonic() + 30
    while True:
        before = processor_time(agent)
        assert program.error("GetToken", resource=resource_name, refresh=True, timeout=1).short == "Unavailable"
        if processor_time(agent) - before < 0.2:
            break
        assert time.monotonic() < deadline, "it does not come to rest"


def assert_recovered(agent, descriptors_before: int) -> None:
    agent.wait_for(lambda status: status["connections"] == 1)
    with agent.connect() as program:
        assert_idle(agent, program, "auth")
        assert descriptors(agent) <= descriptors_before + 1 + HTTP_CONNECTIONS


HTTP_CONNECTIONS = 6            # that curl may keep open for the next request


if __name__ == "__main__":
    call_over_and_over(sys.argv[1])
