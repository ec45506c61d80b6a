"""What systemd sealed and does not open: it is refused with the reason, kept, and can be moved aside."""

import os
import pathlib
import shutil
import subprocess

import pytest

from disks import Mounts
from harness import Agent, Home, one_line
from test_other_user import AS_NOBODY, NOBODY
from test_systemd_creds import SERVICE, set_key

HOST_KEY = pathlib.Path("/var/lib/systemd/credential.secret")
TYPE = bytes.fromhex("55b9ed1d38594d43a8319d2ebb332ac6")        # of what the host key sealed for one user
THE_MACHINE_IS_OURS = os.environ.get("USER_SYSTEMD") == "login"     # see user-systemd

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root, who can be anybody")
pytestmark = pytest.mark.skipif(not SERVICE.is_socket(), reason="needs io.systemd.Credentials of systemd 256")


@pytest.fixture
def sealed(ada):
    set_key(ada, "systemd-creds")
    ada.stop()
    return ada


def refused(agent, words):
    """Until somebody moves it aside."""
    before = agent.home.store.read_bytes()
    result = agent.ctl("token")
    assert result.status == 1 and one_line(result.err) and words in result.err
    assert agent.status["store"]["state"] == "unreadable" and agent.home.store.read_bytes() == before
    assert "logout --all" in result.err
    assert "could not be read is now" in agent.ctl("logout", "--all").ok().err and not agent.home.store.exists()


@as_root
def test_copy_is_of_no_use_to_another_user(sealed):
    copy = Home()
    try:
        shutil.copytree(sealed.home.state, copy.state)
        copy.socket.parent.mkdir(mode=0o700)
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", copy.root], check=True)
        thief = Agent(copy).start(under=AS_NOBODY)
        result = thief.ctl("token", under=AS_NOBODY)
        thief.stop()
        assert result.status == 1 and one_line(result.err) and "for another user" in result.err
        assert copy.store.read_bytes() == sealed.home.store.read_bytes()
    finally:
        copy.remove()


@pytest.mark.parametrize("at, words", [(0, "a key of a kind"), (40, "damaged"), (100, "damaged")])
def test_damaged(sealed, at, words):
    store = bytearray(sealed.home.store.read_bytes())
    store[store.index(TYPE) + at] ^= 1
    sealed.home.store.write_bytes(store)
    sealed.start()
    refused(sealed, words)


@pytest.mark.skipif(not THE_MACHINE_IS_OURS, reason="takes a machine that is ours to break")
def test_machine_that_lost_its_key(sealed):
    kept = HOST_KEY.with_name("kept")
    HOST_KEY.rename(kept)
    try:
        sealed.start()
        refused(sealed, "lost the key")
    finally:
        kept.rename(HOST_KEY)


@as_root
def test_service_is_away_for_a_while(ada):
    """Not where this daemon looks, that is. The store is as good as ever, and is read when it is back."""
    mounts = Mounts()
    try:
        set_key(ada, "systemd-creds")
        token = ada.token()
        ada.stop()
        if not mounts.possible or not mounts.run("mount", "-t", "tmpfs", "none", SERVICE.parent):
            pytest.skip("nothing may be mounted here")
        ada.start(preexec_fn=mounts.enter)
        result = ada.ctl("token")
        assert result.status == 1 and one_line(result.err) and "systemd" in result.err
        status = ada.status["store"]
        assert status["state"] == "opening" and "not known" in status["protection"]
        assert mounts.run("umount", SERVICE.parent)
        ada.wait_for(lambda status: status["store"]["state"] == "open")
        assert ada.token() == token
    finally:
        mounts.close()
        if not ada.process:
            ada.start()
