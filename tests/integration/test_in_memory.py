"""Logins that are in memory only, with a service manager, played here, that keeps what it is given."""

import signal
import socket

import pytest


class Keeper:
    """The service manager's end: what it was given to keep, the newest of each name."""

    def __init__(self, home) -> None:
        self.path = home.runtime / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.setblocking(False)
        self.kept: dict[str, int] = {}

    def hear(self) -> None:
        while True:
            try:
                text, descriptors, _, _ = socket.recv_fds(self.socket, 4096, 1)
            except BlockingIOError:
                return
            lines = text.decode().splitlines()
            name = next((line.removeprefix("FDNAME=") for line in lines if line.startswith("FDNAME=")), "")
            if "FDSTORE=1" in lines:
                self.kept[name] = descriptors[0]
            elif "FDSTOREREMOVE=1" in lines:
                self.kept.pop(name, None)

    @property
    def image(self) -> str:
        self.hear()
        return [name for name in self.kept if name.startswith("image-")][-1]

    def start(self, agent) -> None:
        """With the image, if there is one."""
        self.hear()
        environment, under, descriptors = {"NOTIFY_SOCKET": str(self.path)}, (), ()
        if self.kept:
            descriptors = (self.kept[self.image],)
            environment |= {"LISTEN_FDS": "1", "LISTEN_FDNAMES": self.image}
            under = ("bash", "-c", f'exec 3<&{descriptors[0]}; export LISTEN_PID=$$; exec "$@"', "bash")
        agent.start(env=environment, under=under, pass_fds=descriptors)


@pytest.fixture
def keeper(stopped_agent):
    made = Keeper(stopped_agent.home)
    made.start(stopped_agent)
    stopped_agent.login()
    with stopped_agent.connect() as program:
        assert program.call("SetKey", protector="memory")["protector"] == "memory"
    yield made
    made.socket.close()


def test_crash(stopped_agent, keeper):
    token = stopped_agent.token()
    stopped_agent.kill()
    keeper.start(stopped_agent)
    assert stopped_agent.token() == token


def test_last_change_before_the_end(stopped_agent, keeper):
    """A refresh that could not be saved until the agent had been told to stop."""
    agent = stopped_agent
    image = keeper.image
    with agent.home.hanging_disk():
        token = agent.token("--refresh")
        assert keeper.image == image
        agent.process.send_signal(signal.SIGTERM)
    agent.stop()
    assert keeper.image != image
    keeper.start(agent)
    assert agent.token() == token
