"""A control group for processes that are to end together, whatever they do."""

import os
import pathlib
import select
import subprocess
import time

from . import NotHere

PATIENCE = 30.0


def root() -> pathlib.Path:
    """Of those of version 2, which may be mounted beside those of version 1."""
    mounted = pathlib.Path("/sys/fs/cgroup")
    return mounted / "unified" if (mounted / "unified").is_dir() else mounted


class Cgroup:
    """A context: at its end nothing runs in it any more, and it is gone."""

    def __init__(self, name: str) -> None:
        self.path = root() / f"{name}.{os.getpid()}"

    def __enter__(self) -> "Cgroup":
        try:
            self.path.mkdir()
        except OSError as error:
            raise NotHere(f"no control group can be made: {error.strerror}") from None
        if not (self.path / "cgroup.kill").exists():
            self.path.rmdir()
            raise NotHere("the kernel cannot end a control group (cgroup.kill, Linux 5.14)")
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Once is enough, and more often does no harm."""
        if self.path.exists():
            (self.path / "cgroup.kill").write_text("1")
            self.wait_empty()
            for directory, _, _ in os.walk(self.path, topdown=False):
                os.rmdir(directory)

    def spawn(self, *command: object, **popen: object) -> subprocess.Popen:
        """In a session of its own, so that Ctrl-C is our matter. It ends with us even if we are killed."""
        enter = ("setpriv", "--pdeathsig", "KILL", "sh", "-c", 'echo $$ >"$0" && exec "$@"')
        return subprocess.Popen([*enter, self.path / "cgroup.procs", *command], start_new_session=True, **popen)

    def first(self, subgroup: str) -> int:
        """The process that has been in it for longest."""
        return int((self.path / subgroup / "cgroup.procs").read_text().split()[0])

    def wait_empty(self) -> None:
        deadline = time.monotonic() + PATIENCE
        with open(self.path / "cgroup.events", encoding="ascii") as events:
            changes = select.poll()
            changes.register(events, select.POLLPRI)
            while "populated 1" in events.read():
                left = deadline - time.monotonic()
                assert left > 0, f"what runs in {self.path} does not end"
                changes.poll(left * 1000)
                events.seek(0)
