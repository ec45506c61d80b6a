"""Builds and tests the product on Debian 13, whatever Debian this is."""

import os
import pathlib
import re
import subprocess
import sys

from units import Count

from . import NotHere
from .machine import Machine
from .tree import debian

SUITE = "trixie"
SECONDS = 1800
SHOWN = 4096        # bytes of the end that are kept, for the last line has the count
INSIDE = """set -eu
mkdir /usr/src/globus-agent
cd /usr/src/globus-agent
tar --directory=/usr/src/host --exclude=./build --exclude=./.git --create . | tar --extract --no-same-owner
export USER_SYSTEMD=login
exec /usr/bin/python3 tests/check.py inside
"""


def run() -> Count:
    """Tests that fail there are counted; what is not to be had here is said, and the whole left out."""
    try:
        return _run()
    except NotHere as why:
        print(f"Debian 13 is left out: {why}", flush=True)
        return Count(skipped=1)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        print(f"Debian 13 failed: {error}", flush=True)
        return Count(failed=1)


def _run() -> Count:
    if os.geteuid() != 0:
        raise NotHere("a container takes root")
    if subprocess.run(["tests/deps", "boot"]).returncode:
        raise NotHere("mmdebstrap and systemd-nspawn are not to be had")

    packages = subprocess.check_output(["tests/deps", "--list", "container"], text=True).split()
    with (debian(SUITE, packages) as tree,
          Machine(tree, f"--bind-ro={pathlib.Path.cwd()}:/usr/src/host") as machine):
        end = bytearray()

        def show(data: bytes) -> None:
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
            end.extend(data)
            del end[:-SHOWN]

        status = machine.run(INSIDE, SECONDS, show)
    return read_count(end.decode(errors="replace"), status == 0)


def read_count(output: str, ended_well: bool) -> Count:
    """What check.py says in its last line, which is to be there."""
    last = output.splitlines()[-1] if output else ""
    if not (found := re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", last)):
        return Count(failed=1)
    count = Count(*map(int, found.groups()))
    return count if ended_well or count.failed else count + Count(failed=1)
