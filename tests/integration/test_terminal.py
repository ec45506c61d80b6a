"""A daemon that a person started by hand outlives the terminal."""

import fcntl
import os
import pty
import signal
import termios

import pytest

TIMEOUT = 33


def become_its_session():
    """Whose controlling terminal is standard input: it is told when that hangs up."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def reloaded(status):
    return next(each["value"] for each in status["settings"] if each["name"] == "http_timeout") == str(TIMEOUT)


@pytest.fixture
def terminal(stopped_agent):
    """Of a daemon that runs in it."""
    master, slave = pty.openpty()
    with open(master, "rb", buffering=0) as terminal:
        stopped_agent.start(stdin=slave, stdout=slave, stderr=slave, preexec_fn=become_its_session)
        os.close(slave)
        yield terminal


def test_hang_up_is_a_reload_and_no_end(stopped_agent, terminal):
    agent = stopped_agent
    agent.login()
    token = agent.token()
    agent.home.configure(agent.settings | {"http_timeout": TIMEOUT})
    terminal.close()
    agent.wait_for(reloaded)
    assert agent.token() == token
    assert agent.ctl("token", "--refresh").ok()             # what it has to say goes nowhere, and does no harm
    agent.stop()
    agent.start()
    assert agent.token()


def test_reload_also_of_one_that_was_to_ignore_the_hang_up(stopped_agent):
    """As by nohup."""
    stopped_agent.start(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    stopped_agent.home.configure(stopped_agent.settings | {"http_timeout": TIMEOUT})
    stopped_agent.process.send_signal(signal.SIGHUP)
    stopped_agent.wait_for(reloaded)
