"""The tree of a Debian, kept in the user's cache: it takes a minute and the network to make one."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import subprocess
import tempfile
import time
from typing import Iterator

from . import NotHere
from .cgroup import Cgroup

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "globus-agent-tests"
GOOD_FOR = 30 * 86400       # seconds: the suite gets its fixes
MAKING = 1200               # seconds
DPKG = ("force-unsafe-io", *(f"path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")))


@contextlib.contextmanager
def debian(suite: str, packages: list[str]) -> Iterator[pathlib.Path]:
    """A tree with these packages, which nobody removes meanwhile. It is to be read only."""
    CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    remove_old()
    key = hashlib.sha256(" ".join(sorted(packages)).encode()).hexdigest()[:12]
    tree = CACHE / f"{suite}-{key}"
    if not tree.exists():
        _make(tree, suite, packages)
    with locked(tree, fcntl.LOCK_SH):
        yield tree


def _make(tree: pathlib.Path, suite: str, packages: list[str]) -> None:
    """Whoever else makes the same may be faster."""
    mirror = find_mirror(suite)
    print(f"Making {tree}: {suite} from {mirror}", flush=True)
    made = pathlib.Path(tempfile.mkdtemp(prefix=f"{tree.name}.", dir=CACHE))
    with locked(made, fcntl.LOCK_EX), tempfile.TemporaryFile("w+") as log:
        with Cgroup("globus-agent-tree") as cgroup:
            status = cgroup.spawn(
                "unshare", "--mount", "mmdebstrap", "--mode=root", "--variant=apt", "--skip=check/empty",
                *(f"--dpkgopt={option}" for option in DPKG), f"--include={','.join(packages)}",
                suite, made, mirror, stdin=subprocess.DEVNULL, stdout=log, stderr=log).wait(MAKING)
        if status:
            log.seek(0)
            raise RuntimeError(f"{tree} cannot be made ({status}):\n{log.read()}")
        made.chmod(0o755)
        os.utime(made)
        with contextlib.suppress(OSError):
            made.rename(tree)
    remove_old()


def find_mirror(suite: str) -> str:
    """Where this machine itself gets its Debian from."""
    targets = ["apt-get", "indextargets", "--format", "$(REPO_URI)",
               "Created-By: Packages", "Origin: Debian", "Label: Debian", "Component: main"]
    found = subprocess.run(targets, capture_output=True, text=True).stdout.split()
    if not found:       # its lists were never fetched, or thrown away
        subprocess.run(["apt-get", "-q", "update"], capture_output=True, timeout=MAKING)
        found = subprocess.run(targets, capture_output=True, text=True).stdout.split()
    if not found:
        raise NotHere("apt has no mirror of Debian here")

    with tempfile.TemporaryDirectory() as directory:
        address = f"{found[0].rstrip('/')}/dists/{suite}/InRelease"
        fetch = ["/usr/lib/apt/apt-helper", "download-file", address, f"{directory}/InRelease"]
        if subprocess.run(fetch, capture_output=True, timeout=MAKING).returncode:
            raise NotHere(f"{suite} cannot be had from {found[0]}")
    return found[0]


def remove_old() -> None:
    """What nobody uses: trees that are too old, and what was left of an attempt to make one."""
    for tree in CACHE.iterdir():
        too_old = "." in tree.name or time.time() - tree.stat().st_mtime > GOOD_FOR
        with contextlib.suppress(BlockingIOError):
            if too_old:
                with locked(tree, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    subprocess.run(["rm", "-rf", "--one-file-system", tree], check=True)


@contextlib.contextmanager
def locked(directory: pathlib.Path, how: int) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)
