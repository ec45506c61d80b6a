"""What is on disk: it outlives the daemon, tells nothing, and is never overwritten unread."""

import os
import shutil
import stat

import pytest

from globus import GROUPS
from harness import PATIENCE, Agent, Home, one_line

FORMAT_AT = 8           # in the file, behind the magic: the number of the format, big-endian


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


# Readable

def test_login_outlives_the_daemon(ada):
    token, groups = ada.token(), ada.ctl("groups").out
    requests = len(ada.globus.log)
    ada.restart()
    assert ada.token() == token and ada.ctl("whoami").ok().out == "apark@ridgeway.example\n"
    assert len(ada.globus.log) == requests
    assert ada.ctl("groups").ok().out == groups
    assert [request.names[0] for request in ada.globus.log[requests:]] == ["my_groups"]


def test_login_outlives_a_crash_at_any_instant(agent):
    agent.login()
    token = agent.token()
    agent.kill()
    agent.start()
    assert agent.token() == token and agent.grant()["saved"] is True


def test_start_without_a_network_serves_what_is_valid(ada):
    token = ada.token()
    ada.stop()
    ada.globus.go_offline()
    ada.start()
    assert ada.token() == token
    offline = ada.ctl("groups")
    assert offline.status == 6 and one_line(offline.err)


@pytest.mark.parametrize("command", ["token --refresh", "token transfer", "login --service transfer --start"])
def test_store_that_somebody_removed_is_written_anew(ada, command):
    """It is not a logout: memory has what the disk lost."""
    ada.home.store.unlink()
    ada.ctl(*command.split())
    ada.wait_for(lambda status: status["store"]["saved"] and ada.home.store.exists())
    token = ada.token()
    ada.kill()
    ada.start()
    assert ada.token() == token


def test_directory_that_somebody_removed_is_made_anew(ada):
    shutil.rmtree(ada.home.state)
    ada.token("--refresh")
    ada.wait_for(lambda status: status["store"]["saved"] and ada.home.store.exists())
    token = ada.token()
    ada.restart()
    assert ada.token() == token


def test_logout_after_somebody_removed_the_store(ada):
    ada.home.store.unlink()
    ada.ctl("logout").ok()
    assert ada.ctl("token").status == 4
    ada.restart()
    assert ada.ctl("token").status == 4


def test_files_are_private_and_nothing_else_is_left(ada):
    ada.token("--refresh")
    ada.wait_saved()
    home = ada.home
    assert mode(home.state) == mode(home.config) == 0o700
    assert {path.name for path in home.state.iterdir()} == {"store", "lock"}
    assert mode(home.store) == mode(home.state / "lock") == mode(home.key) == 0o600
    assert len(home.key.read_bytes()) == 32


def test_no_secret_is_on_disk_as_it_is(ada):
    ada.token("--refresh")
    ada.wait_saved()
    contents = b"".join(path.read_bytes() for path in ada.home.root.rglob("*") if path.is_file())
    assert b"GLOBUSAG" in contents
    for word in *ada.globus.issued_secrets(), "apark@ridgeway.example", GROUPS + ":view":
        assert word.encode() not in contents


def test_every_write_has_another_nonce(ada):
    first = ada.home.store.read_bytes()
    ada.token("--refresh")
    ada.wait_saved()
    second = ada.home.store.read_bytes()
    same = sum(a == b for a, b in zip(first[-200:], second[-200:]))
    assert first != second and same < 30


def test_two_daemons_of_one_home_lose_nothing(ada, globus):
    second_socket = ada.home.runtime / "globus-agent" / "second"
    other = Agent(ada.home, globus)
    other.home = copy_of(ada.home, second_socket)
    other.start()
    try:
        arguments = "--socket", second_socket
        login = other.ctl(*arguments, "-p", "lab", "login", "--start", "--json").ok().json
        code = globus.approve(login["authorize_url"], globus.ben)
        other.ctl(*arguments, "login", "--finish", login["login_id"], stdin=f"{code}\n").ok()
        ada.token("--refresh")
    finally:
        other.stop()
    ada.restart()
    assert ada.ctl("-p", "lab", "whoami").ok().out == "bcole@lab.example\n"
    assert ada.ctl("whoami").ok().out == "apark@ridgeway.example\n"


def copy_of(home, socket):
    """The same directories, another socket."""
    copied = Home.__new__(Home)
    copied.__dict__ |= home.__dict__ | {"socket": socket}
    return copied


# Unreadable

def cut(home):
    home.store.write_bytes(home.store.read_bytes()[:-1])


def cut_short(home):
    home.store.write_bytes(home.store.read_bytes()[:20])


def emptied(home):
    home.store.write_bytes(b"")


def flipped(home):
    """One bit of the last byte, which is the body's, or of what authenticates it."""
    contents = bytearray(home.store.read_bytes())
    contents[-1] ^= 1
    home.store.write_bytes(contents)


def flipped_header(home):
    contents = bytearray(home.store.read_bytes())
    contents[FORMAT_AT + 3] ^= 1
    home.store.write_bytes(contents)


def foreign(home):
    home.store.write_bytes(b"SQLite format 3\0" + bytes(4096))


def newer(home):
    contents = bytearray(home.store.read_bytes())
    contents[FORMAT_AT:FORMAT_AT + 2] = (99).to_bytes(2, "big")
    home.store.write_bytes(contents)


def key_gone(home):
    home.key.unlink()


def key_another(home):
    home.key.write_bytes(bytes(32))


def key_short(home):
    home.key.write_bytes(b"short")


def key_readable_to_others(home):
    home.key.chmod(0o644)


def store_readable_to_others(home):
    home.store.chmod(0o640)


def symlink(home):
    elsewhere = home.root / "elsewhere"
    home.store.rename(elsewhere)
    home.store.symlink_to(elsewhere)


def hard_link(home):
    os.link(home.store, home.root / "elsewhere")


def directory(home):
    home.store.unlink()
    home.store.mkdir()


DAMAGES = [cut, cut_short, emptied, flipped, flipped_header, foreign, newer, key_gone, key_another, key_short,
           key_readable_to_others, store_readable_to_others, symlink, hard_link, directory]


@pytest.fixture(params=DAMAGES, ids=lambda damage: damage.__name__)
def damaged(request, ada):
    """Running on a store that it cannot read."""
    ada.stop()
    request.param(ada.home)
    ada.start()
    return ada


def snapshot(home):
    """Everything in state and configuration that a loss of would be a loss: names, kinds, contents."""
    paths = [*home.state.iterdir(), home.key, home.root / "elsewhere"]
    return {path: (path.lstat().st_mode, path.read_bytes() if path.is_file() else None)
            for path in paths if path.is_symlink() or path.exists()}


def test_unreadable_store_is_never_overwritten_and_the_daemon_serves_on(damaged):
    before = snapshot(damaged.home)
    store = damaged.wait_for(lambda status: status["store"]["state"] != "opening")["store"]
    assert store["state"] == "unreadable" and str(damaged.home.root) in store["error"]
    shown = damaged.ctl("status").ok().out
    assert store["error"] in shown

    said = damaged.ctl("token")
    assert said.status in (1, 4) and one_line(said.err)

    damaged.login()                                     # in memory
    assert damaged.token() and damaged.ctl("groups").ok()
    assert damaged.grant()["saved"] is False
    assert "not saved" in damaged.ctl("status").ok().out
    damaged.restart()
    assert damaged.ctl("token").status in (1, 4)
    assert snapshot(damaged.home) == before


def test_store_that_is_mended_is_read_again(ada):
    token = ada.token()
    ada.stop()
    ada.home.store.chmod(0o644)
    ada.start()
    assert "chmod" in ada.status["store"]["error"]
    ada.home.store.chmod(0o600)
    ada.restart()
    assert ada.token() == token


@pytest.mark.parametrize("damage", [cut, newer, key_another, foreign])
def test_logout_of_all_moves_the_store_aside_and_says_where(ada, damage):
    ada.stop()
    damage(ada.home)
    contents = ada.home.store.read_bytes()
    ada.start()
    said = ada.ctl("logout", "--all").ok().err
    aside, = [path for path in ada.home.state.iterdir() if path.name not in ("store", "lock")]
    assert str(aside) in said and aside.read_bytes() == contents and mode(aside) == 0o600
    ada.login()
    ada.wait_saved()
    ada.restart()
    ada.token()


def test_logout_without_all_leaves_it_where_it_is(ada):
    ada.stop()
    cut(ada.home)
    contents = ada.home.store.read_bytes()
    ada.start()
    ada.ctl("logout")
    assert ada.home.store.read_bytes() == contents


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, who can give directories away")
def test_logout_of_all_does_not_lie_about_a_directory_in_trouble(ada):
    """What is not read cannot be revoked, and would be back as soon as the directory is well."""
    ada.stop()
    ada.home.state.chmod(0o755)
    ada.start()
    said = ada.ctl("logout", "--all")
    assert said.status == 1 and one_line(said.err) and "chmod 700" in said.err
    ada.home.state.chmod(0o700)
    ada.restart()
    assert ada.token()


def test_state_directory_of_another_user_is_not_used(home, globus):
    home.state.mkdir(mode=0o700)
    os.chown(home.state, 65534, 65534)
    agent = Agent(home, globus).start()
    try:
        agent.login()
        assert agent.token() and agent.grant()["saved"] is False
        assert "another user" in agent.status["store"]["error"]
        assert list(home.state.iterdir()) == []
    finally:
        agent.stop()


def test_full_disk_costs_no_token_and_is_made_up_for(ada):
    """A file where the temporary one should go is as good as a full disk: writing fails, reading does not."""
    ada.globus.knobs.rotate = True
    ada.home.state.rename(ada.home.root / "away")
    ada.home.state.write_text("not a directory")
    token = ada.token("--refresh")
    assert ada.grant()["saved"] is False and ada.status["store"]["error"]
    ada.home.state.unlink()
    (ada.home.root / "away").rename(ada.home.state)
    ada.wait_for(lambda status: status["store"]["saved"], PATIENCE * 2)
    ada.kill()
    ada.start()
    assert ada.token() == token
