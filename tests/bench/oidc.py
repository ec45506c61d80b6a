"""Against oidc-agent, where it is installed: a cached access token, on the socket and by a whole process.

It hangs up after each reply, so only calls with a connection each can be compared. A reply is a JSON object
with nothing after it. Its account is one at the stand-in, which is an OpenID provider besides.
"""

import os
import shutil
import socket
import subprocess

from globus import AUTH, Globus
from harness import CLIENT, Agent

from . import processes
from .calls import SLICES, Setting, Target, run
from .figures import Figure, LeftOut, ratio
from .world import World, end, insist, one_cpu, pin

AGENT, GEN, TOKEN = PROGRAMS = [shutil.which(name) for name in ("oidc-agent", "oidc-gen", "oidc-token")]
ACCOUNT = "bench"
SCOPES = ["openid", "email", "profile"]
REDIRECT_URI = "http://localhost:4242"
REQUEST = b'{"request":"access_token","account":"bench","min_valid_period":60}'
NAMES = ("agent", "oidc-agent")


class OidcAgent:
    """Two processes on one CPU, where all servers are, with one account and its token."""

    def __init__(self, world: World):
        home = world.new_home()
        self.socket = home.root / "oidc-agent"
        self.environment = home.environment() | {
            "OIDC_CONFIG_DIR": str(home.config), "OIDC_SOCK": str(self.socket)}
        home.config.mkdir(mode=0o700)
        process = subprocess.Popen(
            [AGENT, "--console", "--no-webserver", "--no-scheme", "-a", self.socket],
            env=self.environment, preexec_fn=lambda: os.sched_setaffinity(0, one_cpu()),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        world.callback(end, process)
        self._load_account(world.globus)

    def _load_account(self, globus: Globus) -> None:
        client = globus.add_client("oidc-agent", "secret", (REDIRECT_URI,))
        environment = self.environment | {"OIDC_REFRESH_TOKEN": refresh_token(globus, client.id)}
        insist([GEN, "--manual", "--no-save", "--prompt=none", "--rt-env", "--issuer", globus.auth_url,
                "--cert-path", globus.ca_file, "--client-id", client.id, "--client-secret", client.secret,
                "--redirect-uri", REDIRECT_URI, "--scope", " ".join(SCOPES), ACCOUNT], environment)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.socket))
            connection.sendall(REQUEST)
            reply = connection.recv(65536)
        assert b'"access_token"' in reply and reply.endswith(b"}"), reply


def refresh_token(globus: Globus, client_id: str) -> str:
    """As a login would have brought it."""
    code = globus.ledger.issue_code(60, client_id=client_id, user=globus.ada, redirect_uri=REDIRECT_URI,
                                    challenge=None, scopes=SCOPES, offline=True, state=None)
    return globus.ledger.open_grant(code, AUTH, SCOPES).refresh_token


def on_socket(setting: Setting, targets: list[Target]) -> list[Figure]:
    try:
        slices = run(setting, targets)
    except (AssertionError, subprocess.SubprocessError) as why:
        print(f"\nAgainst oidc-agent: left out, for {why}", flush=True)
        return []
    return [slices.ratio(f"{setting}: p50 / oidc-agent", "p50", NAMES, limit=1.0)]


def whole_process(agent: Agent, peer: OidcAgent) -> Figure:
    pin([agent.process], one_cpu())
    compared = [[CLIENT, "token"], [f"OIDC_SOCK={peer.socket}", TOKEN, ACCOUNT]]
    ours, other = processes.run("end", processes.SLICE, compared, agent.home.environment())
    return ratio("token / oidc-token", ours, other, limit=1.0, raw=processes.raw(ours, other))


def measure(world: World) -> list[Figure]:
    if not all(PROGRAMS):
        raise LeftOut("it is not installed")
    agent = world.new_login()
    try:
        peer = OidcAgent(world)
    except (AssertionError, subprocess.SubprocessError) as why:
        raise LeftOut(f"it takes no account: {why}") from None
    targets = [Target(NAMES[0], agent.process, agent.home.socket, world.request),
               Target(NAMES[1], None, peer.socket, world.write("request-oidc", REQUEST), "brace")]
    figures = [whole_process(agent, peer)]
    for clients in SLICES:
        for pinned in (True, False):
            figures += on_socket(Setting(clients, persistent=False, pinned=pinned), targets)
    return figures


__all__ = ["measure"]
