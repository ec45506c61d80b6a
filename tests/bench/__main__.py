"""python3 tests/bench [--check] [CHAPTER]...: measures, and writes BUILD/bench.json; or counts and compares."""

import argparse
import os
import pathlib
import platform
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:1] = [str(TESTS), str(TESTS / "integration")]

from bench import calls, counts, figures, footprint, hardening, oidc, processes, trouble     # noqa: E402
from bench.world import BUILD, World    # noqa: E402

CHAPTERS = {
    "counts": ("What GetToken takes, cached", counts.measure),
    "commands": ("Whole processes", processes.commands),
    "starts": ("The daemon's start", processes.starts),
    "memory": ("Memory", footprint.measure),
    "trouble": ("GetToken, cached, while 200 refreshes, every connection and the disk hang", trouble.measure),
    "calls": ("Calls of GetToken, cached, on the socket", calls.measure),
    "oidc-agent": ("A cached token / that of oidc-agent, which hangs up after each reply", oidc.measure),
    "hardening": ("GetToken, cached, under systemd: with the unit's hardening / without", hardening.measure),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description="Measures globus-agent")
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help=", ".join(CHAPTERS))
    parser.add_argument("--check", action="store_true", help="only whether GetToken has become slower")
    arguments = parser.parse_args()
    if arguments.check:
        with World() as world:
            return counts.check(world)
    measured = {}
    for chapter in arguments.chapters or CHAPTERS:
        title, measure = CHAPTERS[chapter]
        try:
            with World() as world:
                measured[chapter] = measure(world)
        except figures.LeftOut as why:
            print(f"\n{title}\n  left out, for {why}", flush=True)
        else:
            figures.show(title, measured[chapter])
    figures.save(BUILD / "bench.json", machine(), measured)
    return 0


def machine() -> dict:
    return {"system": platform.platform(), "cpus": len(os.sched_getaffinity(0))}


if __name__ == "__main__":
    sys.exit(main())
