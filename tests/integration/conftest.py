"""What every test here is given."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from globus import Globus       # noqa: E402
from harness import Agent, Home, assert_no_secret         # noqa: E402
from usersystemd import User        # noqa: E402

SANITIZERS_SAY = ("AddressSanitizer", "LeakSanitizer", "runtime error:")


@pytest.fixture
def globus():
    with Globus() as stand_in:
        yield stand_in


@pytest.fixture
def home():
    made = Home()
    yield made
    made.remove()


@pytest.fixture
def stopped_agent(globus, home):
    """Configured to talk to the stand-in, and not running."""
    made = Agent(home, globus)
    yield made
    globus.faults.clear()
    if made.process:
        assert made.process.poll() is None, f"the daemon died: {made.log}"
        made.stop()
    assert not any(words in made.log for words in SANITIZERS_SAY), made.log
    if (log := home.state / "agent.log").exists():
        assert_no_secret(globus, log.read_text(), "the log of a daemon that a command started")


@pytest.fixture
def agent(stopped_agent):
    """Running, and nobody is logged in."""
    return stopped_agent.start()


@pytest.fixture
def ada(agent):
    """Running, and Ada is logged in."""
    agent.login()
    return agent


@pytest.fixture(scope="module")
def session():
    """Of an ordinary user beside a user manager."""
    with Globus() as globus:
        made = User(globus)
        yield made
        try:
            assert_no_secret(globus, made.journal, "the journal")
        finally:
            made.close()


@pytest.fixture
def user(session):
    """The socket is there, the daemon is not."""
    session.systemctl("start", "globus-agent.socket")
    yield session
    session.stop()
