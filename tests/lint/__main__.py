"""python3 tests/lint [--build DIR]: prints one line per finding and a count, and fails if there is any."""

import argparse
import pathlib
import sys

sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)

import lint     # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="lint", description="Checks the tree of globus-agent")
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"), metavar="DIR")
    results = lint.run(pathlib.Path("."), parser.parse_args().build)
    lint.show(results)
    return 1 if any(results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
