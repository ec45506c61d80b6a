"""Lock and unlock: nothing is given out, nothing hangs, and nothing that was saved is lost."""

import os

import pytest

import memory
from harness import PATIENCE, one_line

PASSWORD = "not to be guessed"

NEEDS_SECRETS = [
    ("GetToken", {}), ("ListGroups", {}), ("GetIdentity", {}), ("StartLogin", {}), ("Logout", {}),
    ("Logout", {"all": True}), ("FinishLogin", {"login_id": "x", "code": "y"}),
    ("SetKey", {"protector": "keyfile"})]


def lock(agent, **how):
    with agent.connect() as program:
        return program.call("Lock", **how)


def unlock(agent, **how):
    with agent.connect() as program:
        return program.call("Unlock", **how)


def error(agent, method, **parameters):
    with agent.connect() as program:
        return program.error(method, **parameters)


def test_what_needs_secrets_is_locked(ada):
    token = ada.token()
    lock(ada)
    store = ada.status["store"]
    assert store["state"] == "locked" and not store["needs_passphrase"] and not ada.status["profiles"]
    for method, parameters in NEEDS_SECRETS:
        assert error(ada, method, **parameters).short == "Locked"
    for command in ("token", "groups", "whoami", "login --start", "logout"):
        locked = ada.ctl(*command.split())
        assert locked.status == 5 and one_line(locked.err) and "globus-agentctl unlock" in locked.err
    unlock(ada)
    assert ada.token() == token


def test_twice_is_once(ada):
    lock(ada)
    lock(ada)
    assert error(ada, "Lock", passphrase=PASSWORD).short == "Locked"
    unlock(ada)
    unlock(ada)
    ada.token()


def test_many_profiles_and_public_clients(agent):
    for profile in ("a", "b", "c"):
        agent.login(profile=profile)
        agent.login("--service", "transfer", profile=profile)
    tokens = {profile: agent.token("-p", profile, "transfer") for profile in ("a", "b", "c")}
    lock(agent)
    unlock(agent)
    assert {profile: agent.token("-p", profile, "transfer") for profile in ("a", "b", "c")} == tokens
    agent.token("-p", "b", "--refresh")


def test_who_waits_behind_the_gate_is_told_at_once(ada):
    ada.globus.faults.refresh.hold()
    with ada.connect() as waiting, ada.connect() as person:
        waiting.send("org.globus.Agent.GetToken", {"refresh": True})
        ada.globus.wait_for(lambda: ada.globus.faults.refresh.held == 1, PATIENCE)
        person.send("org.globus.Agent.Lock")
        assert waiting.receive()["error"] == "org.globus.Agent.Locked"
        assert person.is_silent()
        assert error(ada, "GetToken").short == "Locked"
        ada.globus.faults.refresh.release()
        assert person.receive() == {"parameters": {}}


def test_rotated_token_on_the_wire_reaches_the_disk(ada):
    ada.globus.knobs.rotate = True
    ada.globus.faults.refresh.hold()
    with ada.connect() as waiting, ada.connect() as person:
        waiting.send("org.globus.Agent.GetToken", {"refresh": True})
        ada.globus.wait_for(lambda: ada.globus.faults.refresh.held == 1, PATIENCE)
        person.send("org.globus.Agent.Lock")
        assert waiting.receive()["error"] == "org.globus.Agent.Locked"
        ada.globus.faults.refresh.release()
        assert person.receive() == {"parameters": {}}
    assert ada.refreshes() == 1
    unlock(ada)
    ada.token("--refresh")
    assert ada.refreshes() == 2


def test_silent_globus_holds_it_up_for_seconds_only(ada):
    ada.globus.faults.refresh.hold()
    with ada.connect() as waiting, ada.connect() as person:
        waiting.send("org.globus.Agent.GetToken", {"refresh": True})
        ada.globus.wait_for(lambda: ada.globus.faults.refresh.held == 1, PATIENCE)
        person.set_timeout(20)
        person.send("org.globus.Agent.Lock")
        assert person.receive() == {"parameters": {}}
    assert "although Globus has not answered" in ada.log
    ada.globus.faults.refresh.release()
    unlock(ada)
    ada.token()


def test_not_while_something_is_unsaved(ada):
    if os.geteuid() == 0:
        pytest.skip("root writes anyway")
    ada.home.state.chmod(0o500)
    ada.token("--refresh")
    refused = error(ada, "Lock")
    assert refused.short == "StorageFailed" and "--force" in refused.parameters["message"]
    ada.token()
    lock(ada, force=True)


def test_not_while_the_disk_hangs(ada):
    with ada.home.hanging_disk():
        ada.token("--refresh")
        refused = error(ada, "Lock")
        assert refused.short == "StorageFailed" and "--force" in refused.parameters["message"]
        ada.token()
        lock(ada, force=True)
        assert error(ada, "GetToken").short == "Locked"
    unlock(ada)


def test_password(ada):
    token = ada.token()
    lock(ada, passphrase=PASSWORD)
    for restarted in (False, True):
        store = ada.status["store"]
        assert store["state"] == "locked" and store["needs_passphrase"] and "password" in store["protection"]
        assert error(ada, "Unlock").short == "Locked"
        if not restarted:
            ada.restart()
    assert error(ada, "Unlock", passphrase="another").short == "WrongPassphrase"
    unlock(ada, passphrase=PASSWORD)
    assert ada.token() == token and "password" not in ada.status["store"]["protection"]
    ada.restart()
    assert ada.token() == token


def test_password_of_a_store_that_has_a_passphrase(ada):
    with ada.connect() as program:
        program.call("SetKey", protector="passphrase", passphrase="one")
    assert error(ada, "Lock", passphrase=PASSWORD).short == "StorageFailed"
    ada.token()


def test_what_is_in_memory_only_would_be_lost(ada):
    with ada.connect() as program:
        program.call("SetKey", protector="memory")
    refused = error(ada, "Lock")
    assert refused.short == "StorageFailed" and "logout --all" in refused.parameters["message"]
    assert error(ada, "Lock", passphrase=PASSWORD).short == "StorageFailed"
    ada.token()
    lock(ada, force=True)
    unlock(ada)
    assert ada.ctl("token").status == 4


def test_pending_logins_end(ada):
    login = ada.start_login("--service", "transfer")
    lock(ada)
    unlock(ada)
    assert error(ada, "FinishLogin", login_id=login["login_id"], code="x").short == "UnknownLogin"


@pytest.mark.skipif(os.geteuid() != 0, reason="what is not dumpable can be looked at by root only")
@pytest.mark.skipif(memory.SANITIZED, reason="the sanitizers keep what is freed")
@pytest.mark.parametrize("protector", ["keyfile", "passphrase"])
def test_nothing_is_left_in_memory(ada, protector):
    ada.globus.knobs.rotate = True
    passphrase = {"passphrase": "the-passphrase-of-ada"} if protector == "passphrase" else {}
    with ada.connect() as program:
        program.call("SetKey", protector=protector, **passphrase)
    ada.start_login("--service", "transfer")
    ada.token("--refresh")
    ada.ctl("groups").ok()
    ada.wait_saved()
    lock(ada)
    unlock(ada, **passphrase)
    ada.token("auth", "--refresh")
    with ada.connect() as program:
        program.call("Lock", **({} if passphrase else {"passphrase": PASSWORD * 2}))
    issued = [text.encode() for text in ada.globus.issued_secrets() if len(text) >= memory.PIECE]
    known = {"an issued secret": issued,
             "the passphrase": [b"the-passphrase-of-ada", PASSWORD.encode() * 2]}
    if ada.home.key.exists():
        known["the key file"] = [ada.home.key.read_bytes()]
    hits = memory.scan(ada.pid, known)
    assert not hits, "\n".join(map(str, hits))
