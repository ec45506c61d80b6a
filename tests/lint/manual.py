"""The manual pages are well made, and name everything that they have to."""

import pathlib
import re
import subprocess
from typing import Iterator

from integration.interface import Interface

from .interface import FILE
from .source import Finding, files, read

PROTOCOL = "man/globus-agent-protocol.7"
COMMANDS = "man/globus-agentctl.1"
SETTINGS = "man/globus-agent-config.5"


def check(tree: pathlib.Path, _build: pathlib.Path) -> list[Finding]:
    return [*_check_form(tree), *_check_protocol(tree), *_check_commands(tree), *_check_settings(tree)]


def _check_form(tree: pathlib.Path) -> Iterator[Finding]:
    for path in files(tree / "man"):
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", f"man/{path}"], cwd=tree,
                              capture_output=True, text=True)
        for line, complaint in re.findall(r"^mandoc: [^:]+:(\d+):\d+: (.*)", done.stdout, re.MULTILINE):
            yield Finding(f"man/{path}", int(line), complaint)
        if done.returncode and not done.stdout:
            yield Finding(f"man/{path}", 0, done.stderr.strip())


def _check_protocol(tree: pathlib.Path) -> Iterator[Finding]:
    """Each method and error has a heading of its own, under which its parameters stand."""
    if not (tree / FILE).exists():
        return
    interface = Interface.load(tree / FILE)
    sections = _sections(tree, PROTOCOL)
    for name, (taken, given) in interface.methods.items():
        yield from _check_named(sections, name, [*taken, *given])
    for name, fields in interface.errors.items():
        yield from _check_named(sections, name, [field for field in fields if field != "message"])
    for name, fields in interface.types.items():
        yield from _check_named(sections, name, fields)


def _sections(tree: pathlib.Path, path: str) -> dict[str, str]:
    if not (tree / path).exists():
        return {}
    return dict(re.findall(r"^\.(?:Ss|It Sy) (\w+)[^\n]*\n(.*?)(?=^\.(?:Ss|Sh|It Sy) |\Z)", read(tree, path),
                           re.MULTILINE | re.DOTALL))


def _check_named(sections: dict[str, str], name: str, fields: object) -> Iterator[Finding]:
    if name not in sections:
        yield Finding(PROTOCOL, 0, f"does not explain {name}")
        return
    for field in fields:
        if not re.search(rf"\b{field}\b", sections[name]):
            yield Finding(PROTOCOL, 0, f"does not explain {field} of {name}")


def _check_commands(tree: pathlib.Path) -> Iterator[Finding]:
    page = read(tree, COMMANDS) if (tree / COMMANDS).exists() else ""
    for path in files(tree / "client", ".c"):
        text = read(tree / "client", path)
        for name in re.findall(r'^ +\{"([a-z-]+)", OPTION_', text, re.MULTILINE):
            if not re.search(rf"Fl Fl {name}\b", page):
                yield Finding(COMMANDS, 0, f"does not explain --{name} of client/{path}")
        for name in re.findall(r"^const struct command command_(\w+) =", text, re.MULTILINE):
            if not re.search(rf"^\.(?:Ss|It) (?:Ic )?{name}\b", page, re.MULTILINE):
                yield Finding(COMMANDS, 0, f"does not explain the command {name}")


def _check_settings(tree: pathlib.Path) -> Iterator[Finding]:
    page = read(tree, SETTINGS) if (tree / SETTINGS).exists() else ""
    values = tree / "daemon/base/config-value.c"
    for name in re.findall(r'\[SETTING_\w+\] = \{"(\w+)"', values.read_text() if values.exists() else ""):
        if not re.search(rf"^\.It (?:Ic )?{name}\b", page, re.MULTILINE):
            yield Finding(SETTINGS, 0, f"does not explain {name}")
