"""The protector systemd-creds, against the service of a true systemd (256 or later) of this machine."""

import os
import pathlib

import pytest

from harness import Agent, Home, one_line

SERVICE = pathlib.Path("/run/systemd/io.systemd.Credentials")

pytestmark = pytest.mark.skipif(not SERVICE.is_socket(), reason="needs io.systemd.Credentials of systemd 256")


@pytest.fixture
def local(globus):
    """An agent whose home is on a file system of this machine alone, and nobody is logged in."""
    home = Home("/dev/shm")
    agent = Agent(home, globus, protector="auto")
    yield agent.start()
    agent.stop()
    home.remove()


def set_key(agent, protector, **more):
    with agent.connect() as program:
        return program.call("SetKey", protector=protector, **more)


def test_first_login_chooses_it_on_a_local_file_system(local):
    local.login()
    store = local.status["store"]
    assert store["protector"] == "systemd-creds" and "of this machine" in store["protection"]
    assert not local.home.key.exists()
    token = local.token("--refresh")
    local.wait_saved()
    local.restart()
    assert local.token() == token


def test_change_to_it_and_away(ada):
    token = ada.token()
    assert "key of this machine" in set_key(ada, "systemd-creds")["protection"]
    assert not ada.home.key.exists()
    ada.restart()
    assert ada.token() == token
    set_key(ada, "keyfile")
    ada.restart()
    assert ada.token() == token and ada.home.key.exists()


def test_locked_with_a_password(ada):
    token = ada.token()
    set_key(ada, "systemd-creds")
    with ada.connect() as program:
        program.call("Lock", passphrase="password")
    ada.restart()
    assert ada.status["store"]["needs_passphrase"]
    with ada.connect() as program:
        program.call("Unlock", passphrase="password")
    assert ada.token() == token


def test_store_of_another_machine(ada):
    """Every byte of what the service gave counts: to it, a changed one is another machine's."""
    set_key(ada, "systemd-creds")
    ada.stop()
    store = bytearray(ada.home.store.read_bytes())
    sealed = store.index(b"systemd-creds") + len("systemd-creds") + 2 + 2
    store[sealed + 40] ^= 1
    ada.home.store.write_bytes(store)
    ada.start()
    refused = ada.ctl("token")
    assert refused.status == 1 and one_line(refused.err) and "another machine" in refused.err
    assert ada.status["store"]["state"] == "unreadable" and ada.home.store.read_bytes() == bytes(store)


def test_service_is_asked_once(ada):
    """Saving and looking at what another agent saved take no message to it."""
    set_key(ada, "systemd-creds")
    if os.geteuid() != 0:
        pytest.skip("only root can take the service away")
    SERVICE.rename(SERVICE.with_name("away"))
    try:
        token = ada.token("--refresh")
        ada.wait_saved()
        assert ada.token() == token
    finally:
        SERVICE.with_name("away").rename(SERVICE)
