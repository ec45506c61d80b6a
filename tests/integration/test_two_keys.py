"""Two daemons share a home, and one of them changes the key, or locks, while the other refreshes: the login
outlives it on both, and no refresh token is used twice."""

import contextlib
import itertools
import threading

import pytest

from harness import PATIENCE, Agent

PASSPHRASE = "a passphrase for both"


@pytest.fixture
def two(ada, globus):
    """Refresh tokens are good for one use."""
    globus.knobs.rotate = True
    other = Agent(ada.home.twin(), globus).start()
    assert other.token() == ada.token()
    yield ada, other
    globus.faults.clear()
    if other.process:
        other.stop()


@pytest.fixture
def one(two):
    return two[0]


@pytest.fixture
def other(two):
    return two[1]


def call(agent, method, **parameters):
    with agent.connect() as program:
        return program.call(method, **parameters)


def reply(agent, method, **parameters):
    """Its parameters, or the error's last word."""
    with agent.connect() as program:
        program.send(f"org.globus.Agent.{method}", parameters)
        answer = program.receive()
    return answer.get("error", "").rpartition(".")[2] or answer["parameters"]


def needs(protector):
    return {"passphrase": PASSPHRASE} if protector == "passphrase" else {}


def set_key(agent, protector):
    return call(agent, "SetKey", protector=protector, force=True, **needs(protector))


def set_key_reply(agent, protector):
    return reply(agent, "SetKey", protector=protector, force=True, **needs(protector))


def assert_no_token_was_used_twice(globus):
    refreshes = [request for request in globus.log if "refresh" in request.names]
    assert all(request.status in (200, None) for request in refreshes)


def unlocked(agent):
    if agent.status["store"]["state"] == "locked":
        assert reply(agent, "Unlock", passphrase=PASSPHRASE) == {}


@contextlib.contextmanager
def refreshing(agent, count):
    """All the while, one refresh after the other. What is answered meanwhile is no more than Locked."""
    answers, failures, begun = [], [], threading.Event()

    def work():
        try:
            for _ in range(count):
                answers.append(reply(agent, "GetToken", refresh=True))
                begun.set()
                if answers[-1] == "Locked":
                    unlocked(agent)
        except Exception as failed:             # told by the test's own thread
            failures.append(failed)
        finally:
            begun.set()
    thread = threading.Thread(target=work)
    thread.start()
    begun.wait(PATIENCE)
    yield answers
    thread.join(PATIENCE * 2)
    assert not thread.is_alive() and not failures, failures
    assert all(answer == "Locked" or "access_token" in answer for answer in answers), answers


@pytest.mark.parametrize("protectors", [("keyfile", "plaintext"), ("passphrase", "keyfile")], ids="-".join)
def test_key_change_while_the_other_refreshes(one, other, globus, protectors):
    with refreshing(other, 60 if "passphrase" not in protectors else 15):
        for protector in itertools.islice(itertools.cycle(protectors), 10 if "plaintext" in protectors else 4):
            set_key(one, protector)
            one.token("--refresh")
    for agent in one, other:
        unlocked(agent)
        agent.token("--refresh")
    assert_no_token_was_used_twice(globus)


def test_lock_with_a_password_while_the_other_refreshes(one, other, globus):
    with refreshing(other, 40):
        for _ in range(3):
            call(one, "Lock", passphrase=PASSPHRASE)
            call(one, "Unlock", passphrase=PASSPHRASE)
            one.token("--refresh")
    for agent in one, other:
        agent.wait_saved()
        agent.restart()
        agent.token("--refresh")
    assert_no_token_was_used_twice(globus)


def test_both_lock_with_a_password(one, other):
    """The one that comes first: the other is shut out, and told so."""
    call(one, "Lock", passphrase=PASSPHRASE)
    with other.connect() as program:
        refused = program.error("Lock", passphrase="another")
    assert refused.short in ("StorageFailed", "Locked")
    assert "globus-agentctl unlock" in refused.parameters["message"]
    for agent in one, other:
        unlocked(agent)
    assert one.token() == other.token()


@pytest.fixture
def waiting(other, globus):
    """A program that the other has sent a refresh token away for. Globus has not answered yet."""
    globus.faults.refresh.hold()
    with other.connect() as program:
        program.send("org.globus.Agent.GetToken", {"refresh": True})
        assert globus.wait_for(lambda: globus.faults.refresh.held == 1, PATIENCE)
        yield program


@pytest.mark.parametrize("protector", ["memory", "passphrase"])
def test_nobody_is_shut_out_with_a_new_token_in_hand(one, other, globus, waiting, protector):
    """It would have no place to go, and the first would go on with the old one, which is used up."""
    assert set_key_reply(one, protector) == "Busy"
    globus.faults.refresh.release()
    assert waiting.receive()["parameters"]["access_token"]
    assert set_key_reply(one, protector)["protector"] == protector
    one.token("--refresh")
    assert_no_token_was_used_twice(globus)


@pytest.mark.parametrize("protector", ["memory", "passphrase", "keyfile", "plaintext"])
def test_key_change_while_globus_answers_the_other(one, other, globus, waiting, protector):
    """Who comes first is left to chance."""
    with one.connect() as person:
        person.send("org.globus.Agent.SetKey", {"protector": protector, "force": True, **needs(protector)})
        globus.faults.refresh.release()
        answer = waiting.receive()
        assert person.receive()["parameters"]["protector"] == protector
    assert answer.get("error", "Locked").endswith("Locked") or answer["parameters"]["access_token"]
    one.token("--refresh")
    one.wait_saved()
    if protector == "passphrase":
        other.ctl("login", "--start")           # looks at the disk, and is locked out
        other.wait_for(lambda status: status["store"]["state"] == "locked")
        unlocked(other)
    if protector != "memory":
        other.token("--refresh")
    assert_no_token_was_used_twice(globus)


def test_key_change_while_the_agent_refreshes_itself(one, globus):
    """It waits for its own refresh, which waits for the save that the change is part of."""
    globus.faults.refresh.hold()
    with one.connect() as waiting, one.connect() as person:
        waiting.send("org.globus.Agent.GetToken", {"refresh": True})
        assert globus.wait_for(lambda: globus.faults.refresh.held == 1, PATIENCE)
        person.send("org.globus.Agent.SetKey", {"protector": "passphrase", **needs("passphrase")})
        globus.faults.refresh.release()
        assert waiting.receive()["parameters"]["access_token"]
        assert person.receive()["parameters"]["protector"] == "passphrase"
    one.restart()
    unlocked(one)
    one.token("--refresh")
    assert_no_token_was_used_twice(globus)


def test_memory_of_one_is_not_the_others(one, other, globus):
    """It leaves the disk, and with it the other; who goes on refreshing is one only."""
    set_key(one, "memory")
    other.ctl("login", "--start")
    other.wait_for(lambda status: not status["profiles"], 30)
    assert other.ctl("token").status == 4
    for _ in range(3):
        one.token("--refresh")
    set_key(one, "keyfile")
    other.wait_for(lambda status: status["profiles"], 30)
    assert other.token("--refresh") and one.token("--refresh")
    assert_no_token_was_used_twice(globus)


def test_login_of_each_in_memory(one, other, globus):
    """Both are to be had again when one of them leaves it."""
    set_key(one, "memory")
    other.ctl("login", "--start")
    other.wait_for(lambda status: not status["profiles"], 30)
    other.login("--service", "transfer", profile="others")
    one.token("--refresh")
    assert [account["profile"] for account in one.status["profiles"]] == ["default"]
    set_key(other, "keyfile")
    one.ctl("login", "--start")
    one.wait_for(lambda status: len(status["profiles"]) == 2, 30)
    one.wait_saved()
    other.ctl("login", "--start")
    other.wait_for(lambda status: len(status["profiles"]) == 2, 30)
    for agent in one, other:
        agent.restart()
        agent.token("--refresh")
        agent.token("-p", "others", "transfer")
    assert_no_token_was_used_twice(globus)
