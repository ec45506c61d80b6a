"""Real file systems that are full, read-only or not there, mounted where nobody but the daemon sees them."""

import errno
import os

import pytest

from disks import Mounts, bring_up, fill
from harness import PATIENCE

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="takes root, who can mount")


@pytest.fixture
def mounts():
    made = Mounts()
    if not made.possible:
        made.close()
        pytest.skip("nothing may be mounted here")
    yield made
    made.close()


@pytest.fixture
def ada(stopped_agent, mounts):
    """Her state is on a small disk of its own, and cannot be put beside it."""
    home = stopped_agent.home
    if not mounts.run("mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "none", home.state_home):
        pytest.skip("nothing may be mounted here")
    return bring_up(stopped_agent, preexec_fn=mounts.enter)


@pytest.fixture
def state(ada, mounts):
    """The state directory as the daemon has it."""
    return mounts.see(ada.home.state)


def assert_unsaved(agent, error):
    status = agent.status["store"]
    assert status["saved"] is False and agent.grant()["saved"] is False
    assert os.strerror(error) in status["error"] and str(agent.home.state) in status["error"]
    assert "not saved" in agent.ctl("status").ok().out


def assert_kept(agent, mounts, token):
    agent.wait_for(lambda status: status["store"]["saved"], PATIENCE * 2)
    agent.kill()
    agent.start(preexec_fn=mounts.enter)
    assert agent.token() == token and agent.token("--refresh") != token
    agent.wait_saved()


def test_full_disk(ada, mounts, state):
    before = (state / "store").read_bytes()
    fill(state.parent / "filler")
    ada.token("--refresh")
    assert_unsaved(ada, errno.ENOSPC)
    token = ada.token("--refresh")
    assert ada.token() == token
    assert (state / "store").read_bytes() == before
    assert {path.name for path in state.iterdir()} == {"store", "lock"}

    (state.parent / "filler").unlink()
    assert_kept(ada, mounts, token)


def test_disk_that_is_full_from_the_first_login_on(stopped_agent, mounts):
    home = stopped_agent.home
    if not mounts.run("mount", "-t", "tmpfs", "-o", "size=4k,mode=700", "none", home.state_home):
        pytest.skip("nothing may be mounted here")
    fill(mounts.see(home.state_home) / "filler")
    agent = stopped_agent.start(preexec_fn=mounts.enter)
    agent.globus.knobs.rotate = True
    agent.login()
    token = agent.token("--refresh")
    assert_unsaved(agent, errno.ENOSPC)
    assert mounts.run("mount", "-o", "remount,size=64k", home.state_home)
    assert_kept(agent, mounts, token)


def test_disk_without_a_free_inode(ada, mounts, state):
    assert mounts.run("mount", "-o", "remount,nr_inodes=4", ada.home.state_home)    # two directories, two files
    token = ada.token("--refresh")
    assert_unsaved(ada, errno.ENOSPC)
    assert mounts.run("mount", "-o", "remount,nr_inodes=100", ada.home.state_home)
    assert_kept(ada, mounts, token)


def test_read_only_disk(ada, mounts, state):
    before = (state / "store").read_bytes()
    assert mounts.run("mount", "-o", "remount,ro", ada.home.state_home)
    token = ada.token("--refresh")
    assert_unsaved(ada, errno.EROFS)
    assert ada.token() == token and (state / "store").read_bytes() == before
    assert mounts.run("mount", "-o", "remount,rw", ada.home.state_home)
    assert_kept(ada, mounts, token)


def test_read_only_bind_mount(ada, mounts, state):
    """As a container has it: the disk can be written to, but not through this path."""
    assert mounts.run("mount", "--bind", ada.home.state, ada.home.state)
    assert mounts.run("mount", "-o", "remount,bind,ro", ada.home.state)
    token = ada.token("--refresh")
    assert_unsaved(ada, errno.EROFS)
    assert mounts.run("umount", ada.home.state)
    assert_kept(ada, mounts, token)


def test_start_on_a_read_only_disk(ada, mounts):
    """Reading is enough to serve."""
    token = ada.token()
    ada.stop()
    assert mounts.run("mount", "-o", "remount,ro", ada.home.state_home)
    ada.start(preexec_fn=mounts.enter)
    assert ada.token() == token and ada.ctl("groups").ok()
    token = ada.token("--refresh")
    assert_unsaved(ada, errno.EROFS)
    assert mounts.run("mount", "-o", "remount,rw", ada.home.state_home)
    assert_kept(ada, mounts, token)


def test_disk_that_is_not_there(ada, mounts):
    """A home that is not mounted for a while, on a mount point that takes nothing."""
    assert mounts.run("mount", "-t", "tmpfs", "-o", "ro,mode=700", "none", ada.home.state_home)
    token = ada.token("--refresh")
    assert_unsaved(ada, errno.EROFS)
    assert ada.token() == token
    assert mounts.run("umount", ada.home.state_home)
    assert_kept(ada, mounts, token)
