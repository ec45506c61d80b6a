"""The fault gauntlet: whatever fails, what is at hand is served, what failed is said, and all heals.

Each row has a world of its own; worlds run side by side."""

import collections.abc
import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import time
from urllib.parse import urlsplit

import pytest

from conftest import SANITIZERS_SAY
from gauntlet import HTTP_TIMEOUT, ROWS, Row
from globus import AUTH, GROUPS, Globus
from globus.nameserver import Knowledge, NameServer
from globus.proxy import Manner, Proxy
from harness import BUILD, PATIENCE, Agent, Home, Result, find_grant, finish, one_line

LATE = 1                        # seconds: what is due may have passed by the time that it is looked at
AT_ONCE = HTTP_TIMEOUT / 2      # seconds; commands take thousandths
MEMORY_MAX = 64 << 10           # KiB
SIDE_BY_SIDE = 6
SANITIZED = b"__asan_init" in (BUILD / "globus-agent").read_bytes()
OWN_NAMES = 'mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/nsswitch.conf && shift 2 && exec "$@"'


class World:
    """The agent, Globus, and what is between them."""

    def __init__(self, row: Row, stack: contextlib.ExitStack):
        self.row = row
        self.globus = stack.enter_context(Globus(host="globus.test" if row.place == "names" else "127.0.0.1"))
        self.home = Home()
        stack.callback(self.home.remove)
        self.agent = Agent(self.home, self.globus)
        self.trap = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.trap_url = f"https://127.0.0.1:{self.trap.getsockname()[1]}/v2/oauth2/token"
        self.proxy, self.names, self.under = None, None, ()
        self.place(stack)
        stack.callback(self.end)

    def place(self, stack: contextlib.ExitStack) -> None:
        if self.row.place == "proxy":
            self.proxy = Proxy()
            stack.callback(self.proxy.close)
            self.agent.settings["proxy"] = self.proxy.url
        if self.row.place == "names":
            self.names = NameServer.anywhere()
            stack.callback(self.names.close)
            self.under = own_names(self.home.root, self.names)
        self.home.configure(self.agent.settings)

    def end(self) -> None:
        self.mend()
        if self.agent.process:
            self.agent.stop()
        assert not any(words in self.agent.log for words in SANITIZERS_SAY), self.agent.log

    def start(self) -> None:
        self.agent.start(under=self.under)

    def set_timeout(self, seconds: int) -> None:
        """Read anew, settings make the agent ask for names again, too."""
        before = self.agent.log.count("Settings read anew")
        self.home.configure(self.agent.settings | {"http_timeout": seconds})
        self.agent.process.send_signal(signal.SIGHUP)
        self.agent.wait_for(lambda _: self.agent.log.count("Settings read anew") > before)

    def strike(self) -> None:
        if self.row.hangs or self.names:
            self.set_timeout(HTTP_TIMEOUT)
        self.row.strike(self)
        if self.row.hangs or self.row.place != "direct":
            self.globus.hang_up()           # what is open already would get through
        self.globus.faults.refresh.release()

    def mend(self) -> None:
        self.globus.mend()
        if self.proxy:
            self.proxy.open()
            self.proxy.behave(Manner.TUNNEL)
        if self.names:
            self.names.knowledge = Knowledge.HERE

    def way(self) -> list[str]:
        """Where the agent was seen to pass."""
        return ["proxy"] * bool(self.proxy and self.proxy.targets) + ["names"] * bool(
            self.names and self.names.questions)

    def peak(self) -> int:
        """The most memory that the agent ever had, in KiB."""
        status = pathlib.Path(f"/proc/{self.agent.pid}/status").read_text()
        return int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[1])


def own_names(directory: pathlib.Path, names: NameServer) -> tuple[str, ...]:
    """A command that runs another in a mount namespace of its own, where only this server knows names."""
    resolver, switch = directory / "resolv.conf", directory / "nsswitch.conf"
    resolver.write_text(f"nameserver {names.address}\n")
    switch.write_text("passwd: files\nhosts: dns\n")
    return ("unshare", "--mount", "--propagation", "private", "sh", "-c", OWN_NAMES, "sh", resolver, switch)


@dataclasses.dataclass
class Passage:
    """What happened to four profiles: one whose token is valid, one whose token is over, one that leaves, and
    one that comes. Times are in seconds."""

    before: str = ""                        # the valid token
    way: list[str] = dataclasses.field(default_factory=list)                        # that a login takes
    served: list[tuple[Result, float]] = dataclasses.field(default_factory=list)    # and how long it took
    slowest: float = 0                      # of many calls for the same
    refresh: tuple[Result, float] | None = None                                     # of the valid one
    results: dict[str, Result] = dataclasses.field(default_factory=dict)            # by verb
    states: set[str] = dataclasses.field(default_factory=set)                       # of grants
    retry_in: float = 0
    followed: bool = False                  # a redirect
    peak: int = 0                           # KiB
    healed: dict[str, Result] = dataclasses.field(default_factory=dict)
    restarted: list[Result] = dataclasses.field(default_factory=list)


def go_through(row: Row) -> Passage:
    with contextlib.ExitStack() as stack:
        world, passage = World(row, stack), Passage()
        world.start()
        login, codes = prepare(world, passage)
        world.strike()
        suffer(world, passage, login, codes)
        passage.peak = world.peak()
        world.trap.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            world.trap.accept()
            passage.followed = True
        world.mend()
        heal(world, passage, login, codes)
        return passage


def prepare(world: World, passage: Passage) -> tuple[dict, list[str]]:
    agent, globus = world.agent, world.globus
    agent.login(profile="valid")
    agent.login(profile="leaves")
    passage.before = agent.token("-p", "valid")
    agent.ctl("-p", "valid", "groups").ok()
    passage.way = world.way()
    login = agent.start_login(profile="comes")
    codes = [globus.approve(login["authorize_url"]) for _ in range(2)]
    globus.faults.refresh.hold()
    globus.knobs.lifetime = 0
    agent.login(profile="over")
    globus.knobs.lifetime = 172800
    globus.wait_for(lambda: globus.faults.refresh.held == 2, PATIENCE)
    return login, codes


def suffer(world: World, passage: Passage, login: dict, codes: list[str]) -> None:
    agent, row = world.agent, world.row
    words = row.words("refresh")
    agent.wait_for(lambda status: words in find_grant(status, GROUPS, "over").get("last_error", ""))
    begun = time.monotonic()
    refreshing = agent.spawn("-p", "valid", "token", "--refresh")
    others = {
        "groups": agent.spawn("-p", "valid", "groups", "--max-age", 0),
        "logout": agent.spawn("-p", "leaves", "logout"),
        "refresh": agent.spawn("-p", "over", "token"),
        "exchange": agent.spawn("login", "--finish", login["login_id"], stdin=-1)}
    serve(agent, passage)
    others["exchange"].stdin.write(f"{codes[0]}\n".encode())
    others["exchange"].stdin.flush()
    serve_until_over(agent, passage, [refreshing])
    passage.refresh = finish(refreshing), time.monotonic() - begun
    serve_until_over(agent, passage, others.values())
    passage.results = {verb: finish(process) for verb, process in others.items()}
    serve(agent, passage)

    status = agent.wait_for(lambda status: "retry_at" in find_grant(status, GROUPS, "over"))
    grants = [find_grant(status, server, profile) for server in (AUTH, GROUPS) for profile in ("valid", "over")]
    passage.states = {grant["state"] for grant in grants}
    passage.retry_in = find_grant(status, GROUPS, "over")["retry_at"] - time.time()


def serve(agent: Agent, passage: Passage) -> None:
    begun = time.monotonic()
    result = agent.ctl("-p", "valid", "token")
    passage.served.append((result, time.monotonic() - begun))


def serve_until_over(agent: Agent, passage: Passage, processes: collections.abc.Iterable) -> None:
    """All the while, for the loop must not stop even for a moment."""
    with agent.connect() as program:
        for process in processes:
            descriptor = os.pidfd_open(process.pid)
            while not select.select([descriptor], [], [], 0.02)[0]:
                begun = time.monotonic()
                assert program.call("GetToken", profile="valid")["access_token"] == passage.before
                passage.slowest = max(passage.slowest, time.monotonic() - begun)
            os.close(descriptor)


def heal(world: World, passage: Passage, login: dict, codes: list[str]) -> None:
    agent = world.agent
    if passage.retry_in < 60:
        agent.wait_for(lambda status: find_grant(status, GROUPS, "over")["state"] == "valid")
        passage.healed["refresh"] = agent.ctl("-p", "over", "token")
        agent.wait_for(lambda _: agent.ctl("-p", "valid", "groups", "--max-age", 0).status == 0)
        passage.healed["groups"] = agent.ctl("-p", "valid", "groups", "--max-age", 0)
    passage.healed["exchange"] = agent.finish_login(login, codes[1])
    agent.stop()
    world.start()
    passage.restarted = [agent.ctl("-p", profile, "token", "--refresh") for profile in ("valid", "over")]


# The rows that were asked for

OWN_PLACE = os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


def fit(name: str) -> object:
    in_vain = ROWS[name].place == "names" and not OWN_PLACE
    return pytest.param(name, marks=pytest.mark.skipif(in_vain, reason="a mount namespace takes root"))


every_row = pytest.mark.parametrize("name", [fit(name) for name in ROWS])


@pytest.fixture(scope="module")
def passages(request):
    """By name, each in the making: those of the rows that this run asks for."""
    asked = {item.callspec.params["name"]: None for item in request.session.items
             if item.module is request.module and "name" in getattr(item, "callspec", item).params
             and not any(mark.args[0] for mark in item.iter_markers("skipif"))}
    slowest_first = sorted(asked, key=lambda name: not ROWS[name].hangs)
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {name: pool.submit(go_through, ROWS[name]) for name in slowest_first}


@pytest.fixture
def passage(passages, name):
    return passages[name].result()


def assert_said(result: Result, words: str, statuses: tuple[int, ...] = (6,)) -> None:
    assert result.status in statuses and result.out == "" and one_line(result.err), result
    assert words in result.err and result.err.removesuffix("\n").isprintable(), result


@every_row
def test_way_is_well_while_nothing_fails(name, passage):
    assert passage.way == [ROWS[name].place] * (ROWS[name].place != "direct")


@every_row
def test_valid_token_is_served_at_once(name, passage):
    for result, seconds in passage.served:
        assert result.ok().out.strip() == passage.before
        assert seconds < AT_ONCE
    assert passage.slowest < AT_ONCE


@every_row
def test_refresh_fails_with_its_cause(name, passage):
    row = ROWS[name]
    result, seconds = passage.refresh
    assert_said(result, row.words("refresh"))
    assert not row.hangs or HTTP_TIMEOUT - 0.5 < seconds < HTTP_TIMEOUT + 3
    assert_said(passage.results["refresh"], row.words("refresh"))


@every_row
def test_no_login_is_lost(name, passage):
    low, high = ROWS[name].retry_after
    assert passage.states <= {"valid", "expired"}
    assert low - LATE <= passage.retry_in <= high
    assert all(result.ok().out for result in passage.restarted)


@every_row
def test_login_fails_with_its_cause_and_takes_another_code(name, passage):
    assert_said(passage.results["exchange"], ROWS[name].words("exchange"), (1, 6))
    passage.healed["exchange"].ok()


@every_row
def test_groups_fail_with_their_cause(name, passage):
    row, result = ROWS[name], passage.results["groups"]
    if "groups" in row.harmless:
        assert result.ok().out
    else:
        assert_said(result, row.words("groups"))


@every_row
def test_logout_names_what_is_not_revoked(name, passage):
    result = passage.results["logout"]
    assert_said(result, ROWS[name].words("logout"))
    assert GROUPS in result.err and AUTH in result.err and "/v2/web/consents" in result.err


@every_row
def test_heals_without_a_person(name, passage):
    if passage.retry_in < 60:
        assert passage.healed["refresh"].ok().out and passage.healed["groups"].ok().out
    else:
        assert ROWS[name].retry_after[0] > 60       # it was told to wait


@every_row
def test_nobody_follows_a_redirect(name, passage):
    assert not passage.followed


@every_row
@pytest.mark.skipif(SANITIZED, reason="a sanitizer's memory is no measure")
def test_memory_is_bounded(name, passage):
    assert passage.peak < MEMORY_MAX
