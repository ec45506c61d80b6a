"""One interface: what the .varlink file says, the daemon's tables do, and so do the tables of errors."""

import pathlib
import re
from typing import Iterator

from integration.interface import Interface

from .source import Finding, files, line_of, read, without_comments

FILE = "proto/org.globus.Agent.varlink"
ERRORS = "proto/error.c"
FAULTS = "proto/fault.c"
SESSION = "proto/session.h"
DISPATCH = "daemon/rpc"

KINDS = {
    "FIELD_STRING": "string", "FIELD_SECRET": "string", "FIELD_STRINGS": ("[]", "string"), "FIELD_BOOL": "bool",
    "FIELD_TRISTATE": "bool", "FIELD_INT": "int"}

TABLE = re.compile(r"static const struct field (\w+)\[\] = \{(.*?)\};", re.DOTALL)
MACRO = re.compile(r"^#define (\w+) (FIELD\(.*\))$", re.MULTILINE)
ROW = re.compile(r"(SESSION_)?FIELD\(\s*[^,()]+,\s*(?:member,\s*)?(\w+),\s*(FIELD_\w+)(?:,\s*(\w+))?\s*\)")


def check(tree: pathlib.Path, _build: pathlib.Path) -> list[Finding]:
    if not (tree / FILE).exists():
        return [Finding(FILE, 0, "is missing")]
    try:
        interface = Interface.load(tree / FILE)
    except (SyntaxError, AssertionError) as error:
        return [Finding(FILE, 0, f"is no interface description: {error}")]
    return [*_check_error_names(tree, interface), *_check_error_fields(tree, interface),
            *_check_methods(tree, interface)]


def _check_error_names(tree: pathlib.Path, interface: Interface) -> Iterator[Finding]:
    known = set(re.findall(r'AGENT\("(\w+)"\)', read(tree, ERRORS)))
    for name in sorted(interface.errors.keys() - known):
        yield Finding(ERRORS, 0, f"lacks {name}, which is in {FILE}")
    for name in sorted(known - interface.errors.keys()):
        yield Finding(ERRORS, 0, f"has {name}, which is not in {FILE}")


def _check_error_fields(tree: pathlib.Path, interface: Interface) -> Iterator[Finding]:
    wire_names = dict(re.findall(r'\[(AGENT_ERROR_\w+)\]\s*=\s*\{\s*AGENT\("(\w+)"\)', read(tree, ERRORS)))
    faults = read(tree, FAULTS)
    tables = _tables(tree, faults)
    for code, table in re.findall(r"\[(AGENT_ERROR_\w+)\] = \{\.fields = (\w+)\}", faults):
        name = wire_names.get(code)
        if name in interface.errors:
            where = Finding(FAULTS, line_of(faults, faults.index(f"[{code}]")), "")
            yield from _compare(where, name, interface.errors[name], tables.get(table, {}))


def _check_methods(tree: pathlib.Path, interface: Interface) -> Iterator[Finding]:
    """The rows of the table of methods, wherever it stands: {"org.globus.Agent.Name", fields, ...}."""
    rows, tables = {}, {}
    for path in files(tree / DISPATCH, ".c"):
        path = DISPATCH / path
        text = without_comments(read(tree, path))
        tables |= _tables(tree, text)
        for match in _method_rows(text, interface.name):
            rows[match[1]] = Finding(str(path), line_of(text, match.start()), ""), match[2]

    for name in sorted(interface.methods.keys() - rows.keys()):
        yield Finding(DISPATCH, 0, f"has no row for the method {name} of {FILE}")
    for name, (where, row) in rows.items():
        if name not in interface.methods:
            yield where._replace(text=f"the method {name} is not in {FILE}")
            continue
        used = [word for word in re.findall(r"\w+", row) if word in tables]
        yield from _compare(where, name, interface.methods[name][0], tables[used[0]] if used else {})


def _method_rows(text: str, interface: str) -> Iterator[re.Match]:
    pattern = r'\{\s*(?:\.\w+\s*=\s*)?"' + re.escape(interface) + r'\.(\w+)"([^{}]*)\}'
    return re.finditer(pattern, text)


def _tables(tree: pathlib.Path, text: str) -> dict[str, dict]:
    """By name, as types of the interface. Macros that stand for rows are written out first."""
    macros = dict(MACRO.findall(text))
    macros["SESSION_FIELDS"] = _session_rows(tree)

    def expand(body: str) -> str:
        return re.sub(r"\b([A-Z_]+)\b(?:\([^()]*\))?", lambda m: macros.get(m[1], m[0]), body)

    return {name: {member: _type(kind, flags) for _, member, kind, flags in ROW.findall(expand(body))}
            for name, body in TABLE.findall(text)}


def _session_rows(tree: pathlib.Path) -> str:
    path = tree / SESSION
    return " ".join(re.findall(r"SESSION_FIELD\(record, member, \w+, FIELD_\w+\)", path.read_text())) \
        if path.exists() else ""


def _type(kind: str, flags: str) -> object:
    declared = KINDS.get(kind, kind)
    return declared if "FIELD_REQUIRED" in flags else ("?", declared)


def _compare(where: Finding, name: str, declared: dict, found: dict) -> Iterator[Finding]:
    for field in sorted(declared.keys() | found.keys()):
        if declared.get(field) != found.get(field):
            yield where._replace(text=f"{name}, {field}: {_say(found.get(field))} here, "
                                      f"{_say(declared.get(field))} in {FILE}")


def _say(kind: object) -> str:
    if kind is None:
        return "nothing"
    return kind[0] + _say(kind[1]) if isinstance(kind, tuple) else str(kind)
