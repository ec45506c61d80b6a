"""Malformed, half, huge, endless and countless calls: others are served as if there were none."""

import contextlib
import threading

import pytest

from harness import PATIENCE
from neighbours import (AGENT, MIB, assert_idle, assert_recovered, crowd, descriptors, is_closed, is_sanitized,
                        knock, memory, served_meanwhile)
from varlink import message

GET_TOKEN = f"{AGENT}.GetToken"
CALLS = 10000


# Pipelines

def test_ten_thousand_calls_in_one_breath(ada):
    """Are all answered, in their order, and no faster than what others ask."""
    before = descriptors(ada)
    calls = b"".join(message(GET_TOKEN if each % 100 else f"{AGENT}.Nothing{each}") for each in range(CALLS))
    with served_meanwhile(ada), ada.connect() as program:
        sender = threading.Thread(target=program.send_bytes, args=(calls,))
        sender.start()
        for each in range(CALLS):
            reply = program.receive()
            if each % 100:
                assert reply["parameters"]["access_token"]
            else:
                assert reply["parameters"]["method"].endswith(f"Nothing{each}")
        sender.join(PATIENCE)
        assert program.is_silent()
    assert_recovered(ada, before)


@pytest.mark.parametrize("method", ["GetStatus", "GetToken", "Nothing"])
def test_pipelines_whose_answers_nobody_reads(ada, method):
    before, memory_before = descriptors(ada), memory(ada)
    calls = message(f"{AGENT}.{method}") * 1000
    with crowd(ada, 100) as deaf:
        with served_meanwhile(ada):
            for connection in deaf:
                connection.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    while True:
                        connection.sendall(calls)
            assert ada.token()
        ada.wait_for(lambda status: status["connections"] == 101)
        with ada.connect() as program:
            assert_idle(ada, program)
    assert is_sanitized(ada) or memory(ada) - memory_before < 32 * MIB
    assert_recovered(ada, before)


# Messages that are none, or never end

ENDLESS = {
    "blanks": b" " * 65536,
    "brackets": b'{"method":"a.B","parameters":{"x":' + b"[" * 65536,
    "a string": b'{"method":"' + b"x" * 65536,
    "escapes": b'{"method":"' + b"\\u0000" * 10000,
    "a number": b'{"method":"a.B","parameters":{"x":' + b"9" * 65536,
    "members": b'{"method":"a.B","parameters":{' + b'"a":1,' * 10000,
}


@pytest.mark.parametrize("what", ENDLESS)
def test_endless_messages_end_with_the_connection(ada, what):
    memory_before = memory(ada)
    with served_meanwhile(ada), crowd(ada, 100, ENDLESS[what]) as endless:
        for connection in endless:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for _ in range(5):
                    connection.sendall(ENDLESS[what])
        ada.wait_for(lambda status: status["connections"] == 2)
        assert all(map(is_closed, endless))
    assert is_sanitized(ada) or memory(ada) - memory_before < 32 * MIB
    ada.wait_for(lambda status: status["connections"] == 1)


def test_message_that_comes_byte_by_byte(ada):
    """From many, each as slow as can be: each is answered at its end."""
    before = descriptors(ada)
    with served_meanwhile(ada), crowd(ada, 50) as slow:
        for byte in message(GET_TOKEN):
            for connection in slow:
                connection.send(bytes([byte]))
        for connection in slow:
            assert b"access_token" in connection.recv(65536)
    assert_recovered(ada, before)


# Calls that are as long as calls may be

def longest(method, **parameters):
    """One parameter is a value that is repeated as often as fits: in a list, or as words of a text."""
    name, values = next((name, values) for name, values in parameters.items() if isinstance(values, tuple))
    count = 65000 // (len(values[0]) + (4 if values[1] is list else 1))
    value = [values[0]] * count if values[1] is list else " ".join([values[0]] * count)
    return message(f"{AGENT}.{method}", parameters | {name: value})


COSTLY = {
    "many scopes": longest("GetToken", scopes=("a", list)),
    "many scopes of a resource": longest("GetToken", resource=("email", str)),
    "many scopes with dependencies": longest("GetToken", resource=("email[openid]", str)),
    "many statuses": longest("ListGroups", statuses=("active", list)),
    "a login for many scopes": longest("StartLogin", scopes=("a", list)),
    "a login for many policies": longest("StartLogin", session_required_policies=("p", list)),
    "a long resource": message(GET_TOKEN, {"resource": "x" * 65000}),
    "a long code": message(f"{AGENT}.FinishLogin", {"login_id": "x", "code": "y" * 65000}),
    "many unknown members": message(GET_TOKEN, {f"a{each}": 1 for each in range(5000)}),
}


@pytest.mark.parametrize("what", COSTLY)
def test_costly_calls_cost_others_little(ada, what):
    """Each is answered, for what it is; forty at once keep nobody waiting."""
    memory_before = memory(ada)
    with served_meanwhile(ada), crowd(ada, 40, COSTLY[what]) as costly:
        for _ in range(5):
            for connection in costly:
                assert_answered(connection)
                connection.sendall(COSTLY[what])
    assert is_sanitized(ada) or memory(ada) - memory_before < 32 * MIB
    ada.wait_for(lambda status: status["connections"] == 1)


def assert_answered(connection):
    answer = b""
    while not answer.endswith(b"\0"):
        data = connection.recv(65536)
        assert data
        answer += data


def test_lists_have_their_limit(ada):
    with ada.connect() as program:
        error = program.error("GetToken", scopes=["email"] * 257)
        assert error.short == "InvalidParameter" and error.parameters == {"parameter": "scopes"}
        assert program.call("GetToken", scopes=["email"] * 256)["resource_server"] == "auth.globus.org"
        assert program.error("GetToken", resource="email " * 257).short == "UnknownResource"


def test_long_calls_that_wait_hold_little(ada):
    """Half a thousand of them, each with as much in it as a call may have, wait for Globus."""
    ada.globus.faults.refresh.hold()
    scopes = ["openid", "profile"] * 128
    call = message(GET_TOKEN, {"resource": "auth", "scopes": scopes, "refresh": True}) + b" " * 60000
    memory_before = memory(ada)
    with served_meanwhile(ada), crowd(ada, 500, call):
        ada.wait_for(lambda status: status["connections"] == 502)
        ada.globus.wait_for(lambda: ada.globus.faults.refresh.held == 1, PATIENCE)
        assert is_sanitized(ada) or memory(ada) - memory_before < 96 * MIB
        ada.globus.faults.clear()
    ada.wait_for(lambda status: status["connections"] == 1)


# All at once

def test_everything_at_once(ada):
    """And afterwards it is as if nothing had been."""
    before = descriptors(ada)
    ada.globus.faults.my_groups.hold()
    kinds = [*ENDLESS.values(), *COSTLY.values(), message(GET_TOKEN) * 300,
             message(f"{AGENT}.ListGroups", {"max_age": 0}), b"\0" * 1000, b"{", b""]
    with served_meanwhile(ada), crowd(ada, 600, *kinds):
        assert ada.token()
        with knock(ada.home.socket) as late:
            late.sendall(message(GET_TOKEN))
            assert b"access_token" in late.recv(65536)
        ada.globus.faults.clear()
    assert_recovered(ada, before)
    assert ada.ctl("groups").ok()
