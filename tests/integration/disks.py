"""Disks that fail: one that a library preloaded into the daemon plays, and real ones, mounted for it alone."""

import contextlib
import ctypes
import mmap
import os
import pathlib
import subprocess

from harness import BUILD, Agent, Home

LIBRARY = BUILD / "tests" / "torture" / "bad-disk.so"
CALLS = ("read", "write", "sync_file", "rename", "sync_directory", "lock")      # as the library numbers them
HANGS = -1
CLONE_NEWNS = 0x20000


class BadDisk:
    """The disk that a home's state is on, and what becomes of calls to it."""

    def __init__(self, home: Home) -> None:
        assert LIBRARY.exists(), "it is not built: make unit-programs"
        path = home.root / "bad-disk"
        size = ctypes.sizeof(ctypes.c_int) * (len(CALLS) + 1)
        path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), size)
        self._numbers = (ctypes.c_int * (len(CALLS) + 1)).from_buffer(self._map)
        asan = os.environ.get("ASAN_OPTIONS", "")
        self.env = {
            "LD_PRELOAD": str(LIBRARY), "BAD_DISK": str(path), "BAD_DISK_DIRECTORY": str(home.state_home),
            "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0"}

    def fail(self, call: str, error: int) -> None:
        self._numbers[CALLS.index(call)] = error

    def hang(self, call: str) -> None:
        self.fail(call, HANGS)

    def heal(self) -> None:
        for call in CALLS:
            self.fail(call, 0)

    @property
    def hanging(self) -> int:
        """Calls that hang now."""
        return self._numbers[len(CALLS)]


class Mounts:
    """A mount namespace of its own for a daemon, in which only root can make one."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", "echo; exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.possible = self._holder.stdout.read(1) == b"\n"
        self._namespace = pathlib.Path(f"/proc/{self._holder.pid}/ns/mnt")

    def close(self) -> None:
        self._holder.communicate()

    def enter(self) -> None:
        """In a child, before it becomes a program."""
        libc = ctypes.CDLL(None, use_errno=True)
        with self._namespace.open("rb") as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNS):
                raise OSError(ctypes.get_errno(), "setns")

    def run(self, *command: object) -> bool:
        return subprocess.run([*map(str, command)], preexec_fn=self.enter, capture_output=True).returncode == 0

    def see(self, path: pathlib.Path) -> pathlib.Path:
        """The path as we reach what is mounted there."""
        return pathlib.Path(f"/proc/{self._holder.pid}/root{path}")


def fill(path: pathlib.Path) -> None:
    """The disk that the file is on, to the last byte."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def bring_up(agent: Agent, **how: object) -> Agent:
    """With Ada logged in, and a Globus that rotates refresh tokens."""
    agent.globus.knobs.rotate = True
    agent.start(**how)
    agent.login()
    agent.wait_saved()
    return agent


__all__ = ["CALLS", "BadDisk", "Mounts", "bring_up", "fill"]
