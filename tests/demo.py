"""make demo: a tour of globus-agent, with a stand-in of Globus on this machine. Leaves nothing behind."""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time

from globus import Globus

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PROMPT = b"authorization code: "
PATIENCE = 30.0     # seconds, for any one step
PR_SET_CHILD_SUBREAPER = 36
BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


class DemoFailed(Exception):
    """What a person has to know of it."""


class Tour:
    """Private directories, in which commands are run as a user would type them."""

    def __init__(self, directory: pathlib.Path, globus: Globus):
        self.directory = directory
        self.globus = globus
        self.environment = {"PATH": f"{BUILD}:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
                            "HOME": str(directory), "XDG_RUNTIME_DIR": str(directory / "run")}
        (directory / "run").mkdir(mode=0o700)
        self.configuration = directory / ".config/globus-agent/config.json"
        self.configuration.parent.mkdir(mode=0o700, parents=True)
        settings = {"auth_url": globus.auth_url, "groups_url": globus.groups_url, "ca_file": globus.ca_file}
        self.configuration.write_text(json.dumps(settings, indent=8) + "\n")

    def run(self, command: str) -> str:
        """Shows a command and what it prints, but no token."""
        show_command(command)
        started = time.monotonic()
        done = subprocess.run(["bash", "-c", command], env=self.environment, cwd=self.directory, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=PATIENCE)
        self.took = time.monotonic() - started
        show_output(self.hide_secrets(done.stdout))
        if done.returncode:
            raise DemoFailed(f"{command} ended with {done.returncode}")
        return done.stdout

    def log_in(self) -> None:
        """The conversation of a person at a terminal with the command, the browser being the stand-in's own."""
        show_command("globus-agentctl login")
        person, terminal = os.openpty()
        with open(person, "r+b", buffering=0) as person:
            with open(terminal, "r+b", buffering=0) as terminal:
                login = subprocess.Popen([BUILD / "globus-agentctl", "login"], env=self.environment,
                                         stdin=terminal, stdout=terminal, stderr=terminal)
            asked = read_until(person, PROMPT)
            url = re.search(r"https://\S+", asked)
            if not url:
                raise DemoFailed(f"no URL came: {asked}")
            person.write(f"{self.approve(url[0])}\n".encode())
            status = login.wait(PATIENCE)
            show_output(self.hide_secrets(asked + read_rest(person)))
        if status:
            raise DemoFailed(f"the login ended with {status}")

    def approve(self, url: str) -> str:
        """What the person does in the browser meanwhile."""
        browser = [sys.executable, ROOT / "tests/globus", "approve", url, "--ca", self.globus.ca_file]
        return subprocess.run(browser, check=True, text=True, stdout=subprocess.PIPE,
                              timeout=PATIENCE).stdout.strip()

    def hide_secrets(self, text: str) -> str:
        for secret in self.globus.issued_secrets():
            text = text.replace(secret, shorten(secret))
        return text

    def agent_pid(self) -> int:
        done = subprocess.run(["globus-agentctl", "--no-autostart", "status", "--json"], check=True, text=True,
                              executable=BUILD / "globus-agentctl", env=self.environment,
                              stdout=subprocess.PIPE, timeout=PATIENCE)
        return json.loads(done.stdout)["pid"]

    def requests(self) -> str:
        codes, refreshes, listings = (self.globus.count(name) for name in ("exchange", "refresh", "my_groups"))
        return f"{codes} login, {refreshes} refreshes, {listings} listings (one of them curl's)"


def shorten(secret: str) -> str:
    return f"{secret[:6]}...({len(secret)} characters)"


def read_until(person, end: bytes) -> str:
    deadline, text = time.monotonic() + PATIENCE, b""
    while not text.endswith(end):
        if not select.select([person], [], [], max(deadline - time.monotonic(), 0))[0]:
            raise DemoFailed(f"no question came: {text.decode()}")
        part = read_terminal(person)
        if not part:
            raise DemoFailed(f"it ended early: {text.decode()}")
        text += part
    return plain_lines(text)


def read_rest(person) -> str:
    """What stands on the terminal after the program on it has ended."""
    text = b""
    while part := read_terminal(person):
        text += part
    return plain_lines(text)


def read_terminal(person) -> bytes:
    """Nothing at the end, which Linux calls an error."""
    with contextlib.suppress(OSError):
        return person.read(4096)
    return b""


def plain_lines(text: bytes) -> str:
    return text.decode().replace("\r\n", "\n")


def say(text: str) -> None:
    print("\n" + textwrap.fill(text, 100), flush=True)


def show_command(command: str) -> None:
    print(f"\n  {BOLD}$ {command}{PLAIN}", flush=True)


def show_output(text: str) -> None:
    if text:
        print(textwrap.indent(text.rstrip("\n"), "  "), flush=True)


def tour(here: Tour) -> None:
    globus = here.globus
    say(f"A stand-in of Globus runs on this machine, at {globus.auth_url}, with a person in it, "
        f"{globus.ada.name}, who is in some groups. In this tour she is you. Her home is {here.directory}; "
        "its configuration says where the stand-in is (for the real Globus there is nothing to configure):")
    here.run(f"cat ~/{here.configuration.relative_to(here.directory)}")

    say("1. You log in, once. No agent is running yet: globus-agentctl starts one. You open the URL in a "
        "browser, agree, and paste the code that the browser shows; here the demo does that for you.")
    here.log_in()

    say("2. From now on every program of yours can use that login. Who are you, and in which groups?")
    here.run("globus-agentctl whoami")
    here.run("globus-agentctl groups --format table")
    say("The same for programs: CSV is what they get by default.")
    here.run("globus-agentctl groups | head -n 3")

    say("3. A program that calls Globus itself asks for a token (shortened here). It is valid whenever it is "
        "asked for: the agent refreshes it before it expires.")
    here.run("globus-agentctl token")
    print(f"  (took {here.took * 1000:.0f} ms, shell included)")
    say("curl takes it from a pipe, so that it is on no command line for others to see:")
    url = f"{globus.groups_url}v2/groups/my_groups"
    here.run(f"globus-agentctl token --format curl |\n"
             f"        curl -sS -K - --cacert {shlex.quote(globus.ca_file)} {url} |\n        cut -c 1-90")

    say("4. What the agent has, how long it lasts, and where it is kept:")
    here.run("globus-agentctl status")

    say("5. The agent ends: a reboot, an upgrade, the last logout. The login is on disk, encrypted.")
    before = here.requests()
    old = here.agent_pid()
    here.run(f"kill {old}")
    wait_gone(old)
    say("The next command starts another agent, which needs nobody to log in:")
    here.run("globus-agentctl groups --format table")
    say(f"Globus saw, before: {before}; now: {here.requests()}. The token was still valid, so the listing was "
        "all that the new agent had to ask for.")
    if globus.count("exchange") != 1 or here.agent_pid() == old:
        raise DemoFailed("that took another login, or no other agent")

    say("6. You log out: Globus revokes the tokens, and the agent forgets them.")
    here.run("globus-agentctl logout")
    show_command("globus-agentctl token")
    done = subprocess.run([BUILD / "globus-agentctl", "token"], env=here.environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
    show_output(done.stdout)
    print(f"  (exit status {done.returncode}: a login is needed, so a script knows)")
    if done.returncode != 4:
        raise DemoFailed("a token was to be had after the logout")


def wait_gone(pid: int) -> None:
    """The agent is a child of this process, which adopted it."""
    deadline = time.monotonic() + PATIENCE
    descriptor = os.pidfd_open(pid)
    try:
        if not select.select([descriptor], [], [], deadline - time.monotonic())[0]:
            raise DemoFailed(f"the agent, process {pid}, does not end")
    finally:
        os.close(descriptor)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def adopt_orphans() -> None:
    """An agent that is started in the background becomes a child of this process and cannot get lost."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_children() -> None:
    for pid in pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(int(pid), signal.SIGTERM)
            wait_gone(int(pid))


def main() -> int:
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, signal.default_int_handler)
    adopt_orphans()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="globus-agent-demo."))
    try:
        with Globus() as globus:
            try:
                tour(Tour(directory, globus))
            finally:
                end_children()
    except (DemoFailed, subprocess.SubprocessError, OSError) as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demo was interrupted.", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory)

    say("That was all. The agent and the stand-in have ended, and what they kept is removed. For real use: "
        "README.md, Install.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
