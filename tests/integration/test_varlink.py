"""The socket, as a program sees it that was written from the Varlink specification alone."""

import pytest

from globus import VIEW_MY_GROUPS
from harness import INTERFACE, PATIENCE, TESTS
from interface import Interface
from varlink import Closed, message

AGENT = INTERFACE.name
SERVICE = "org.varlink.service"
STATUS = f"{AGENT}.GetStatus"
DESCRIPTION = (TESTS.parent / "proto" / f"{AGENT}.varlink").read_text()


@pytest.fixture
def program(agent):
    with agent.connect() as connection:
        yield connection


# Introspection

def test_service_says_what_it_is(program):
    info = program.call(f"{SERVICE}.GetInfo")
    assert info.keys() == {"vendor", "product", "version", "url", "interfaces"}
    assert set(info["interfaces"]) == {AGENT, SERVICE} and info["product"] == "globus-agent"


def test_interface_is_described_to_the_letter(program):
    described = program.call(f"{SERVICE}.GetInterfaceDescription", interface=AGENT)
    assert described == {"description": DESCRIPTION}
    service = Interface(program.call(f"{SERVICE}.GetInterfaceDescription", interface=SERVICE)["description"])
    assert service.name == SERVICE and service.methods.keys() == {"GetInfo", "GetInterfaceDescription"}
    service.check_reply(f"{SERVICE}.GetInfo", program.call(f"{SERVICE}.GetInfo"))
    error = program.error(f"{SERVICE}.GetInterfaceDescription", interface="org.example.Other")
    assert error.name == f"{SERVICE}.InterfaceNotFound"


def test_every_method_answers_as_the_interface_says(agent, program):
    """Each call checks its reply against the declared types."""
    checked = set()

    def call(method, **parameters):
        checked.add(method)
        return program.call(method, **parameters)

    login = call("StartLogin", redirects=["paste"], session_message="Please", session_required_mfa=True)
    code = agent.globus.approve(login["authorize_urls"][0]["url"])
    call("FinishLogin", login_id=login["login_id"], code=code)
    assert call("StartLogin")["authorize_urls"] == []
    call("CancelLogin", login_id=call("StartLogin", force=True)["login_id"])
    call("GetToken", resource="groups", scopes=[VIEW_MY_GROUPS], profile="default", environment="production",
         min_valid=60, refresh=False, timeout=10)
    assert len(call("ListGroups", statuses=["active", "invited"], max_age=0)["groups"]) == 4
    identity = call("GetIdentity")
    assert [each["username"] for each in identity["identities"]] \
        == ["apark@ridgeway.example", "apark@lab.example"]
    call("GetStatus")
    call("SetKey", protector="passphrase", passphrase="of Ada's", force=False)
    call("Lock", force=True)
    call("Unlock", passphrase="of Ada's")
    call("Logout", all=True)
    assert checked == INTERFACE.methods.keys()


def test_methods_not_in_the_interface_do_not_exist(program):
    for method in "Monitor", "WatchToken", "AwaitLogin", "getStatus", "GetStatus2":
        error = program.error(f"{AGENT}.{method}")
        assert error.name == f"{SERVICE}.MethodNotFound" and error.parameters["method"].endswith(method)
    assert program.error("org.example.Other.GetStatus").name == f"{SERVICE}.InterfaceNotFound"


# Calls and replies

@pytest.mark.parametrize("call", [
    b'{"method":"org.globus.Agent.GetStatus"}', b'{"method":"org.globus.Agent.GetStatus","parameters":null}',
    b' \t{ "parameters" : {} ,\r\n"method":"org.globus.Agent.GetStatus" } ',
    b'{"method":"org.globus.Agent.GetStatus","oneway":false,"more":false,"upgrade":false}',
    b'{"method":"org.globus.Agent.Get\\u0053tatus"}'])
def test_one_call_has_many_spellings(program, call):
    program.send_bytes(call + b"\0")
    assert program.result(STATUS)["pending_logins"] == 0


@pytest.mark.parametrize("method, parameters, named", [
    ("GetToken", {"resorce": "groups"}, "resorce"), ("GetToken", {"min_valid": "60"}, "min_valid"),
    ("GetToken", {"min_valid": 1.5}, "min_valid"), ("GetToken", {"scopes": "openid"}, "scopes"),
    ("GetToken", {"scopes": [1]}, "scopes"), ("GetToken", {"refresh": 1}, "refresh"),
    ("GetToken", {"rejected_token": 1}, "rejected_token"), ("GetStatus", {"verbose": True}, "verbose"),
    ("GetToken", {"profile": "../x"}, "profile"), ("StartLogin", {"redirects": ["loopback"]}, "redirects"),
    ("FinishLogin", {"login_id": "x"}, "code"), ("ListGroups", {"statuses": ["weird"]}, "statuses")])
def test_parameter_that_is_not_allowed_is_named(program, method, parameters, named):
    error = program.error(method, **parameters)
    assert error.name == f"{SERVICE}.InvalidParameter" and error.parameters == {"parameter": named}
    program.call("GetStatus")


def test_parameter_that_is_null_is_absent(program):
    assert program.error("GetToken", profile=None, scopes=None, min_valid=None).short == "LoginNeeded"


def test_calls_in_a_row_are_answered_in_order(agent):
    agent.login()
    with agent.connect() as program:
        agent.globus.faults.refresh.hold()
        program.send_bytes(b"".join([
            message(STATUS), message(f"{AGENT}.GetToken", {"refresh": True}), message(f"{AGENT}.GetIdentity"),
            message(f"{AGENT}.Nothing"), message(STATUS)]))
        program.result(STATUS)
        agent.globus.wait_for(lambda: agent.globus.faults.refresh.held == 1, PATIENCE)
        assert agent.status and program.is_silent()
        agent.globus.faults.refresh.release()
        assert program.result(f"{AGENT}.GetToken")["access_token"]
        assert program.result(f"{AGENT}.GetIdentity")["username"] == "apark@ridgeway.example"
        assert program.receive()["error"] == f"{SERVICE}.MethodNotFound"
        program.result(STATUS)


def test_hundreds_of_calls_in_one_breath(program):
    program.send_bytes(message(STATUS) * 500)
    for _ in range(500):
        program.result(STATUS)


def test_call_may_come_byte_by_byte(program):
    for byte in message(STATUS):
        program.send_bytes(bytes([byte]))
    program.result(STATUS)


def test_oneway_is_answered_by_silence_errors_included(program):
    program.send(STATUS, oneway=True)
    program.send(f"{AGENT}.Nothing", oneway=True)
    program.send(f"{AGENT}.GetToken", {"nonsense": 1}, oneway=True)
    program.send(f"{AGENT}.GetToken", {"refresh": True}, oneway=True)
    program.send(f"{SERVICE}.GetInfo")
    assert program.result(f"{SERVICE}.GetInfo")["product"] == "globus-agent"
    program.call("GetStatus")
    assert program.is_silent()


def test_oneway_is_done_all_the_same(agent, program):
    program.send(f"{AGENT}.StartLogin", oneway=True)
    assert program.call("GetStatus")["pending_logins"] == 1


def test_more_on_a_method_with_one_reply_gives_one(program):
    program.send(STATUS, more=True)
    assert "continues" not in program.receive()
    program.call("GetStatus")
    assert program.is_silent()


def test_last_answer_is_given_to_one_who_has_finished_speaking(program):
    program.send(STATUS)
    program.end_sending()
    program.result(STATUS)
    assert program.is_closed()


# Broken messages

CALL = b'{"method":"org.globus.Agent.GetStatus"'
BROKEN = {
    "nothing": b"",
    "single quotes": b"{'method':'org.globus.Agent.GetStatus'}",
    "NaN": CALL + b',"parameters":{"x":NaN}}',
    "Infinity": CALL + b',"parameters":{"x":-Infinity}}',
    "duplicate member": CALL + b',"method":"org.globus.Agent.GetStatus"}',
    "duplicate parameter": CALL + b',"parameters":{"x":1,"x":1}}',
    "duplicate in disguise": CALL + b',"parameters":{"x":1,"\\u0078":1}}',
    "NUL in a key": CALL + b',"parameters":{"a\\u0000b":1}}',
    "NUL in a value": CALL + b',"parameters":{"profile":"a\\u0000b"}}',
    "lone high surrogate": CALL + b',"parameters":{"profile":"\\ud83d"}}',
    "lone low surrogate": CALL + b',"parameters":{"profile":"\\udc08 \\ud83d"}}',
    "no UTF-8": CALL + b',"parameters":{"profile":"\xff"}}',
    "overlong UTF-8": CALL + b',"parameters":{"profile":"\xc0\xaf"}}',
    "surrogate in UTF-8": CALL + b',"parameters":{"profile":"\xed\xa0\xbd"}}',
    "control character": CALL + b',"parameters":{"profile":"\n"}}',
    "byte order mark": b"\xef\xbb\xbf" + CALL + b"}",
    "array": b"[" + CALL + b"}]",
    "string": b'"org.globus.Agent.GetStatus"',
    "null": b"null",
    "no method": b'{"parameters":{}}',
    "method is no string": b'{"method":1}',
    "parameters are no object": CALL + b',"parameters":[]}',
    "flag is no boolean": CALL + b',"oneway":1}',
    "two flags": CALL + b',"oneway":true,"more":true}',
    "trailing garbage": CALL + b"}}",
    "trailing comma": CALL + b",}",
    "comment": CALL + b"/* why */}",
    "two in one": CALL + b"}" + CALL + b"}",
    "cut": CALL,
    "leading zero": CALL + b',"parameters":{"x":01}}',
    "hexadecimal": CALL + b',"parameters":{"x":0x1}}',
    "too deep": CALL + b',"parameters":{"x":' + b"[" * 1000 + b"]" * 1000 + b"}}",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_message_closes_the_connection_and_no_other(agent, program, broken):
    with agent.connect() as other:
        program.send(STATUS)
        program.send_bytes(BROKEN[broken] + b"\0")
        program.result(STATUS)
        assert program.is_closed()
        other.call("GetStatus")


def test_why_a_connection_was_closed_is_logged_on_demand(stopped_agent):
    for options, told in ((), False), (("--debug",), True):
        stopped_agent.start(*options)
        with stopped_agent.connect() as program:
            program.send_bytes(BROKEN["cut"] + b"\0")
            assert program.is_closed()
        with stopped_agent.connect() as program:
            program.send_bytes(b" " * 65537)
            assert program.is_closed()
        stopped_agent.stop()
        assert ("Closing a connection: no Varlink call came" in stopped_agent.log) == told
        assert ("Closing a connection: a call has 64 KiB at most" in stopped_agent.log) == told


def test_call_has_64_kib_at_most(agent):
    def padded(size):
        call = message(f"{AGENT}.FinishLogin", {"login_id": "x", "code": ""})
        return call.replace(b'"code": ""', b'"code": "' + b"x" * (size - len(call)) + b'"')

    with agent.connect() as program:
        program.send_bytes(padded(64 * 1024 - 1))
        assert program.receive()["error"] == f"{AGENT}.UnknownLogin"
        try:
            program.send_bytes(padded(64 * 1024 + 100) * 10)
        except OSError:
            pass                # closed before we were through
        assert program.is_closed()
    assert agent.status["connections"] == 1


def test_endless_message_is_not_waited_for(agent, program):
    try:
        for _ in range(100):
            program.send_bytes(b" " * 65536)
    except OSError:
        pass
    assert program.is_closed() and agent.status["connections"] == 1


def test_half_a_message_is_waited_for_and_its_end_is_no_trouble(agent, program):
    program.send_bytes(CALL)
    assert agent.status["connections"] == 2
    program.send_bytes(b"}\0" + CALL)
    program.result(STATUS)
    program.end_sending()
    with pytest.raises(Closed) as closed:
        program.receive()
    assert closed.value.rest == b""
    agent.wait_for(lambda status: status["connections"] == 1)


def test_reader_who_does_not_read_is_not_read_from(agent):
    """Its calls wait in its own buffers: sending ends up blocked, and nobody else notices."""
    with agent.connect() as lazy:
        lazy.set_timeout(1.0)
        with pytest.raises(TimeoutError):
            while True:
                lazy.send_bytes(message(STATUS) * 1000)
        agent.ctl("status").ok()
        assert agent.status["connections"] == 2
