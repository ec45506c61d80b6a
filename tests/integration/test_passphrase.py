"""Passphrases: typed at a terminal where nobody sees them, or given by a script. Until the last tests the agent
is played, so that what it is told can be seen."""

import os

import pytest

from harness import finish, one_line
from memory import SANITIZED, scan
from played import Played
from terminal import Terminal

RIGHT = "right horse battery"
ASKED = "Enter the passphrase: "

# What runs in a job, which does not end before it was looked at: a shell restores the terminal behind its jobs.
# Each waits for a line.
WATCHED = '"$@"; echo "ended $?"; read'
JOB = f"({WATCHED})"
STOPPED_ONCE = 'set -m; {}; echo "stopped $?"; read; fg'
BACKGROUND = f'set -m; stty -echo -icanon; {JOB} & wait $!; echo "stopped $?"; read; stty echo icanon; fg'


@pytest.fixture
def played(home):
    made = Played(home, RIGHT)
    yield made
    made.close()


@pytest.fixture
def terminal():
    with Terminal() as made:
        yield made


def test_unlock_asks_until_it_is_right(played, terminal):
    process = terminal.run(played, "unlock")
    for attempt in "wrong", "", RIGHT:
        terminal.expect(ASKED)
        assert not terminal.echoes
        terminal.type(f"{attempt}\n")
    terminal.expect("Unlocked")
    assert finish(process).status == 0
    assert "The passphrase is wrong" in terminal.shown and "cannot be empty" in terminal.shown
    assert played.calls_of("Unlock") == [{"passphrase": "wrong"}, {"passphrase": RIGHT}]
    assert "right" not in terminal.shown


def test_three_wrong_ones_are_enough(played, terminal):
    process = terminal.run(played, "unlock")
    for attempt in "one", "two", "three":
        terminal.expect(ASKED)
        terminal.type(f"{attempt}\n")
    assert finish(process).status == 5
    assert len(played.calls_of("Unlock")) == 3 and played.locked


def test_next_one_is_typed_while_it_has_to_wait(played, terminal):
    played.pause = 2
    process = terminal.run(played, "unlock")
    terminal.expect(ASKED)
    terminal.type("wrong\n")
    terminal.expect("The passphrase is wrong; try again in ")
    terminal.expect(ASKED)
    assert not terminal.echoes
    terminal.type(f"{RIGHT}\n")
    terminal.expect("It can be tried in ")
    assert finish(process).status == 0
    assert played.refused == []


def test_script_is_told_how_long_to_wait(played):
    played.pause = 5000
    wrong = played.ctl("unlock", "--stdin", stdin="wrong\n")
    assert wrong.status == 5 and one_line(wrong.err) and "try again in 1 h 2" in wrong.err
    assert played.ctl("unlock", "--stdin", stdin=f"{RIGHT}\n").status == 5
    assert played.refused == [RIGHT]


def test_streams_may_lead_elsewhere(played, terminal):
    with open(os.devnull, "r+") as null:
        process = terminal.run(played, "unlock", stdout=null, stderr=null,
                               script='"$@" </dev/null; exit')
        terminal.expect(ASKED)
        terminal.type(f"{RIGHT}\n")
        assert finish(process).status == 0


@pytest.mark.parametrize("command, status", [("unlock", 5), ("lock --password", 1), ("key passphrase", 1)])
def test_without_a_terminal_nothing_is_read(played, command, status):
    result = played.ctl(*command.split(), stdin=f"{RIGHT}\n", start_new_session=True)
    assert result.status == status and one_line(result.err) and "--stdin" in result.err
    assert {name for name, _ in played.calls} <= {"GetStatus"}


@pytest.mark.parametrize("command, method", [("lock --password", "Lock"), ("key passphrase", "SetKey")])
def test_new_one_is_typed_twice(played, terminal, command, method):
    process = terminal.run(played, *command.split())
    for first, second in ("one", "other"), (RIGHT, RIGHT):
        terminal.expect("Enter a new passphrase: ")
        terminal.type(f"{first}\n")
        terminal.expect("Enter it once more: ")
        assert not terminal.echoes
        terminal.type(f"{second}\n")
    assert finish(process).status == 0
    assert [call["passphrase"] for call in played.calls_of(method)] == [RIGHT]
    assert "That was not twice the same" in terminal.shown


def test_lock_and_unlock_by_a_script(played):
    assert "Locked" in played.ctl("lock", "--password", "--stdin", stdin="another\n").ok().err
    assert played.ctl("unlock", "--stdin", stdin=f"{RIGHT}\n").status == 5
    assert played.ctl("unlock", "--stdin", stdin="another").ok().err == "Unlocked\n"
    assert played.ctl("unlock").ok().err == "It is not locked\n"


def test_locked_is_shown(played):
    assert "\nLocked: globus-agentctl unlock\n" in played.ctl("status").ok().out
    assert played.ctl("key").ok().out == "passphrase: with a passphrase\n"


def test_nobody_to_lock(stopped_agent):
    nobody = stopped_agent.ctl("lock", autostart=True)
    assert nobody.status == 0 and one_line(nobody.err) and "nothing to lock" in nobody.err
    assert str(stopped_agent.home.socket) in nobody.err and not stopped_agent.home.socket.exists()


# The terminal is left as it was

def test_control_c(played, terminal):
    process = terminal.run(played, "unlock", script=WATCHED)
    terminal.expect(ASKED)
    terminal.type("half\x03")
    terminal.expect("Interrupted")
    terminal.expect("ended 5")
    assert terminal.echoes
    terminal.type("\n")
    finish(process)
    assert played.calls_of("Unlock") == []


def test_control_z(played, terminal):
    process = terminal.run(played, "unlock", script=STOPPED_ONCE.format('"$@"'))
    terminal.expect(ASKED)
    assert not terminal.echoes
    terminal.type("half\x1a")
    terminal.expect("stopped 148")
    assert terminal.echoes
    terminal.type("\n")
    terminal.expect(ASKED)
    assert not terminal.echoes
    terminal.type(f"{RIGHT}\n")
    assert finish(process).status == 0


def test_control_z_in_a_script(played, terminal):
    """The shell has the terminal back as soon as the script has stopped."""
    process = terminal.run(played, "unlock", script=STOPPED_ONCE.format(JOB))
    terminal.expect(ASKED)
    terminal.type("half\x1a")
    terminal.expect("stopped 148")
    terminal.wait_for_echo()
    terminal.type("\n")
    terminal.expect(ASKED)
    assert not terminal.echoes
    terminal.type(f"{RIGHT}\n")
    terminal.expect("ended 0")
    assert terminal.echoes
    terminal.type("\n")
    assert finish(process).status == 0


def test_background(played, terminal):
    """Until it is in front it neither asks nor touches the terminal, nor takes what a shell did to it for its
    usual state."""
    process = terminal.run(played, "unlock", script=BACKGROUND)
    terminal.expect("stopped 150")
    assert ASKED not in terminal.shown
    terminal.type("\n")
    terminal.expect(ASKED)
    assert not terminal.echoes
    terminal.type(f"{RIGHT}\n")
    terminal.expect("ended 0")
    assert terminal.echoes
    terminal.type("\n")
    assert finish(process).status == 0


def test_job_in_the_background_can_be_ended(played, terminal):
    job = f"(trap : TERM; {WATCHED})"
    process = terminal.run(played, "unlock", script=f"set -m; {job} & wait $!; kill %1; read")
    terminal.expect("ended 5")
    assert terminal.echoes and ASKED not in terminal.shown
    terminal.type("\n")
    finish(process)


# Nothing of it is left lying about

@pytest.mark.skipif(os.geteuid() != 0, reason="the memory of others is root's to read")
@pytest.mark.skipif(SANITIZED, reason="the sanitizers keep what is freed")
def test_tried_passphrase_is_wiped_before_the_next(played, terminal):
    tried = "wrong horse staple"
    process = terminal.run(played, "unlock")
    terminal.expect(ASKED)
    terminal.type(f"{tried}\n")
    terminal.expect(ASKED)
    assert scan(process.pid, {"the passphrase": [tried.encode()]}) == []
    terminal.type(f"{RIGHT}\n")
    assert finish(process).status == 0


# The agent itself

def type_new(terminal, passphrase):
    for question in "Enter a new passphrase: ", "Enter it once more: ":
        terminal.expect(question)
        terminal.type(f"{passphrase}\n")


@pytest.mark.parametrize("command, said", [
    ("lock --password", "Locked; it opens again with this passphrase only"),
    ("key passphrase", "Now passphrase: ")])
def test_restart_asks_for_it(ada, terminal, command, said):
    token = ada.token()
    process = terminal.run(ada, *command.split())
    type_new(terminal, RIGHT)
    terminal.expect(said)
    assert finish(process).status == 0
    ada.restart()
    assert ada.ctl("token").status == 5
    process = terminal.run(ada, "unlock")
    for attempt in "wrong", RIGHT:
        terminal.expect(ASKED)
        terminal.type(f"{attempt}\n")
    terminal.expect("Unlocked")
    assert finish(process).status == 0 and ada.token() == token


def test_hasty_one_is_not_looked_at(ada):
    ada.ctl("lock", "--password", "--stdin", stdin=RIGHT).ok()
    assert ada.ctl("unlock", "--stdin", stdin="wrong").status == 5
    ada.ctl("unlock", "--stdin", stdin="wrong")
    hasty = ada.ctl("unlock", "--stdin", stdin=RIGHT)
    assert hasty.status == 5 and one_line(hasty.err) and hasty.err.count("try again") == 1
    assert "not looked at" in hasty.err


def test_plaintext_is_meant(ada):
    refused = ada.ctl("key", "plaintext")
    assert refused.status == 2 and one_line(refused.err) and "can act as you" in refused.err
    assert ada.ctl("key").ok().out.startswith("keyfile: ")
    ada.ctl("key", "plaintext", "--yes-store-tokens-unencrypted").ok()
    assert ada.ctl("key").ok().out.startswith("plaintext: ")
    assert "\nProblem     The tokens are stored unencrypted" in ada.ctl("status").ok().out
    assert "Now keyfile: " in ada.ctl("key", "keyfile").ok().err
