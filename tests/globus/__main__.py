"""The stand-in as a program, and as a person without a browser.

    python3 tests/globus [--port-auth N] [--port-groups N] [--ready-file F]       serve until SIGTERM
    python3 tests/globus approve URL --ca CA [--identity USERNAME] [--deny]       print the code to paste
"""

import pathlib
import sys

if not __package__:     # run as a directory, with that directory where its parent belongs
    sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)

import argparse
import json
import os
import signal

from globus import AuthorizeRefused, Globus, browser


def main() -> int:
    parser = argparse.ArgumentParser(prog="globus", description="A stand-in of Globus on this machine")
    parser.add_argument("--port-auth", type=int, default=0, metavar="N")
    parser.add_argument("--port-groups", type=int, default=0, metavar="N")
    parser.add_argument("--ready-file", type=pathlib.Path, metavar="F",
                        help="written once the stand-in can be called")
    commands = parser.add_subparsers(dest="command")
    approve = commands.add_parser("approve", help="do what a person does in the browser, and print the code")
    approve.add_argument("url")
    approve.add_argument("--ca", required=True, metavar="FILE")
    approve.add_argument("--identity", metavar="USERNAME",
                         help="who the person is (default: whom the page proposes)")
    approve.add_argument("--deny", action="store_true")

    arguments = parser.parse_args()
    return _approve(arguments) if arguments.command == "approve" else _serve(arguments)


def _serve(arguments: argparse.Namespace) -> int:
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)      # before there are threads, which inherit it
    with Globus(arguments.port_auth, arguments.port_groups) as globus:
        ready = json.dumps({
            "auth_url": globus.auth_url, "groups_url": globus.groups_url, "ca_file": globus.ca_file})
        print(ready, flush=True)
        if arguments.ready_file:
            _write_whole(arguments.ready_file, ready)
        signal.sigwait(ends)
    return 0


def _write_whole(path: pathlib.Path, text: str) -> None:
    """Whoever waits for the file never reads half of it."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(f"{text}\n")
    os.replace(partial, path)


def _approve(arguments: argparse.Namespace) -> int:
    try:
        print(browser.approve(arguments.url, arguments.ca, arguments.identity,
                              decision="deny" if arguments.deny else "approve"))
    except AuthorizeRefused as refused:
        print(f"No code: {refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
