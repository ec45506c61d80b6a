"""What protects the store: chosen, changed without a login, never weakened silently, and needed to read it."""

import os
import signal

import pytest

from harness import Agent, assert_no_secret, one_line

PASSPHRASE = "correct horse battery staple"


def set_key(agent, protector, **more):
    with agent.connect() as program:
        return program.call("SetKey", protector=protector, **more)


def lock_away(agent, passphrase=PASSPHRASE):
    return set_key(agent, "passphrase", passphrase=passphrase)


def unlock(agent, passphrase=PASSPHRASE):
    with agent.connect() as program:
        return program.call("Unlock", passphrase=passphrase)


def error(agent, method, **parameters):
    with agent.connect() as program:
        return program.error(method, **parameters)


def store_status(agent):
    return agent.status["store"]


# The first login chooses, and the header says what

def test_first_login_chooses(stopped_agent):
    stopped_agent.home.configure(stopped_agent.settings | {"protector": "auto"})
    stopped_agent.start()
    stopped_agent.login()
    assert store_status(stopped_agent)["protector"] in ("keyfile", "systemd-creds")


@pytest.mark.parametrize("protector", ["keyfile", "plaintext"])
def test_change_without_a_login(ada, protector):
    token, before = ada.token(), ada.home.store.read_bytes()
    reply = set_key(ada, protector, force=True)
    assert reply["protector"] == protector == store_status(ada)["protector"]
    assert reply["protection"] == store_status(ada)["protection"]
    after = ada.home.store.read_bytes()
    assert after != before and protector.encode() in after[:80]
    assert_no_secret(ada.globus, after.decode("latin1"), "store")
    ada.restart()
    assert ada.token() == token


def test_old_backup_of_the_key_file_does_not_open_the_new_store(ada):
    key = ada.home.key.read_bytes()
    set_key(ada, "keyfile")
    assert ada.home.key.read_bytes() != key
    ada.stop()
    ada.home.key.write_bytes(key)
    ada.start()
    refused = ada.ctl("token")
    assert refused.status == 1 and one_line(refused.err) and "does not open with the key file" in refused.err
    assert store_status(ada)["state"] == "unreadable"


def test_key_file_goes_with_its_protector(ada):
    assert ada.home.key.exists()
    lock_away(ada)
    assert not ada.home.key.exists()
    set_key(ada, "keyfile")
    assert ada.home.key.exists()


def test_key_file_that_was_not_put_in_place(ada):
    """A crash between the rename of the store and that of the key file."""
    token = ada.token()
    set_key(ada, "keyfile")
    ada.stop()
    key = ada.home.key
    key.rename(key.with_name("key.new"))
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    ada.start()
    assert ada.token() == token and key.with_name("key.new").exists()
    ada.token("--refresh")
    ada.wait_saved()
    assert not key.with_name("key.new").exists()


def test_plaintext_is_said_again_and_again(ada):
    assert error(ada, "SetKey", protector="plaintext").parameters == {"parameter": "force"}
    set_key(ada, "plaintext", force=True)
    assert any("unencrypted" in problem for problem in ada.status["problems"])
    assert "unencrypted" in ada.ctl("status").out


@pytest.mark.parametrize("wrong", [
    {"protector": "rot13"}, {"protector": ""}, {"protector": "passphrase"},
    {"protector": "passphrase", "passphrase": ""}, {"protector": "passphrase", "passphrase": "x" * 1025},
    {"protector": "keyfile", "passphrase": "x"},
    {"protector": "memory", "passphrase": "x"}])
def test_what_cannot_be(ada, wrong):
    assert error(ada, "SetKey", **wrong).name == "org.varlink.service.InvalidParameter"
    assert store_status(ada)["protector"] == "keyfile"


def test_before_the_first_login(agent):
    """What is chosen then is what the first login finds."""
    lock_away(agent)
    agent.login()
    assert store_status(agent)["protector"] == "passphrase"
    agent.restart()
    assert store_status(agent)["state"] == "locked"


def test_way_out_where_systemd_creds_is_not(stopped_agent):
    """Sealed with the host key of a machine that had the service."""
    agent = stopped_agent
    sealed = bytes.fromhex("55b9ed1d38594d43a8319d2ebb332ac6") + bytes(100)
    agent.home.state.mkdir(mode=0o700)
    agent.home.store.write_bytes(b"GLOBUSAG\0\1" + bytes(range(16)) + b"\x0dsystemd-creds\0\0"
                                 + len(sealed).to_bytes(2, "big") + sealed + bytes(80))
    agent.home.store.chmod(0o600)
    agent.start()
    assert "logout --all" in store_status(agent)["error"]
    assert "store-aside-1" in agent.ctl("logout", "--all").ok().err
    agent.login()
    assert store_status(agent)["state"] == "open"


# Policy

def forbid_all_but(agent, *protectors):
    agent.home.configure(agent.settings | {"policy": {"protectors": protectors}})
    os.kill(agent.pid, signal.SIGHUP)
    agent.wait_for(lambda status: any(setting["name"] == "policy" for setting in status["settings"]))


def test_policy_narrows_what_is_automatic(ada):
    set_key(ada, "plaintext", force=True)
    forbid_all_but(ada, "keyfile", "passphrase")
    assert any("run 'globus-agentctl key keyfile'" in problem for problem in ada.status["problems"])
    assert set_key(ada, "auto")["protector"] == "keyfile"
    refused = error(ada, "SetKey", protector="memory")
    assert refused.short == "Refused" and "run 'globus-agentctl key keyfile'" in refused.parameters["message"]


def test_policy_forbids_what_is_automatic(ada):
    forbid_all_but(ada, "passphrase")
    assert any("run 'globus-agentctl key passphrase'" in problem for problem in ada.status["problems"])
    refused = error(ada, "SetKey", protector="auto")
    assert refused.short == "Refused" and "agentctl key passphrase'" in refused.parameters["message"]
    assert lock_away(ada)["protector"] == "passphrase" and not ada.status["problems"]


def test_first_login_under_a_policy_that_wants_a_passphrase(agent):
    forbid_all_but(agent, "passphrase")
    login = agent.start_login()
    agent.finish_login(login, agent.globus.approve(login["authorize_url"])).ok()
    assert "run 'globus-agentctl key passphrase'" in agent.status["store"]["error"]
    token = agent.token()
    lock_away(agent)
    agent.wait_saved()
    agent.restart()
    unlock(agent)
    assert agent.token() == token


# Passphrase

def test_passphrase(ada):
    token = ada.token()
    assert lock_away(ada)["protector"] == "passphrase"
    assert ada.token() == token
    ada.restart()
    status = store_status(ada)
    assert status["state"] == "locked" and status["needs_passphrase"] and status["protector"] == "passphrase"
    assert error(ada, "GetToken").short == "Locked"
    locked = ada.ctl("token")
    assert locked.status == 5 and one_line(locked.err) and "globus-agentctl unlock" in locked.err
    assert error(ada, "Unlock").short == "Locked"
    unlock(ada)
    assert ada.token() == token and not store_status(ada)["needs_passphrase"]


def test_what_comes_later_is_saved_under_the_passphrase(ada):
    lock_away(ada)
    token = ada.token("--refresh")
    ada.wait_saved()
    ada.restart()
    unlock(ada)
    assert ada.token() == token


def test_wrong_passphrases_are_answered_more_and_more_slowly(ada):
    lock_away(ada)
    ada.restart()
    wrong = error(ada, "Unlock", passphrase="wrong")
    assert wrong.short == "WrongPassphrase" and store_status(ada)["state"] == "locked"
    second = error(ada, "Unlock", passphrase="wrong")
    assert second.short == "WrongPassphrase" and second.parameters["retry_at"] > wrong.parameters["retry_at"]
    too_soon = error(ada, "Unlock", passphrase=PASSPHRASE)
    assert too_soon.short == "WrongPassphrase" and "not looked at" in too_soon.parameters["message"]


def test_calls_wait_while_the_store_is_opening(ada):
    token = ada.token()
    lock_away(ada)
    ada.restart()
    with ada.connect() as person, ada.connect() as program:
        person.send("org.globus.Agent.Unlock", {"passphrase": PASSPHRASE})
        ada.wait_for(lambda status: status["store"]["state"] in ("opening", "open"))
        assert program.call("GetToken")["access_token"] == token
        assert person.receive() == {"parameters": {}}


def test_forgotten_passphrase(ada):
    lock_away(ada)
    ada.restart()
    assert ada.ctl("logout").status == 5
    logout = ada.ctl("logout", "--all").ok()
    assert "aside" in logout.err or "store" in logout.err
    assert not ada.home.store.exists() and list(ada.home.store.parent.glob("store-aside-*"))
    ada.login()
    assert store_status(ada)["state"] == "open"


def test_another_daemon_is_locked_out(ada):
    """A passphrase that one agent put on the store is needed by the others of the home, too."""
    twin = Agent(ada.home.twin(), ada.globus)
    twin.start()
    try:
        assert twin.token() == ada.token()
        lock_away(ada)
        assert twin.ctl("login", "--start").status in (5, 0)
        twin.wait_for(lambda status: status["store"]["state"] == "locked", 30)
        unlock(twin)
        assert twin.token() == ada.token()
    finally:
        twin.stop()


@pytest.mark.parametrize("protector", ["passphrase", "plaintext", "memory", "keyfile"])
def test_store_that_somebody_removed_is_protected_as_before(ada, protector):
    set_key(ada, protector, force=True, **({"passphrase": PASSPHRASE} if protector == "passphrase" else {}))
    ada.home.store.unlink()
    token = ada.token("--refresh")
    ada.wait_for(lambda status: status["store"]["saved"] and ada.home.store.exists())
    assert store_status(ada)["protector"] == protector
    assert protector.encode() in ada.home.store.read_bytes()[:80]
    if protector == "memory":
        return
    ada.restart()
    if protector == "passphrase":
        unlock(ada)
    assert ada.token() == token


# Memory

def test_memory(ada):
    token = ada.token()
    set_key(ada, "memory")
    assert ada.token() == token and store_status(ada)["saved"]
    assert "nothing" in store_status(ada)["protection"] and len(ada.home.store.read_bytes()) < 300
    assert not ada.home.key.exists()
    ada.token("--refresh")
    assert len(ada.home.store.read_bytes()) < 300
    ada.restart()
    assert ada.ctl("token").status == 4
    ada.login()
    assert store_status(ada)["protector"] == "memory" and len(ada.home.store.read_bytes()) < 300
    token = ada.token()
    set_key(ada, "keyfile")
    ada.restart()
    assert ada.token() == token


# Crash

def test_crash_at_any_instant_leaves_a_store_that_opens(ada):
    token = ada.token()
    for _ in range(20):
        with ada.connect() as program:
            program.send("org.globus.Agent.SetKey", {"protector": "keyfile"})
            ada.kill()
        ada.start()
        assert ada.token() == token
