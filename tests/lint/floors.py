"""The floors: a file includes its own floor and those below, and no library that its floor does not know."""

import pathlib
import re

from .source import Finding, files, line_of, read, without_comments

BELOW = ["proto", "daemon/base", "daemon/model", "daemon/remote", "daemon/flow", "daemon/rpc", "daemon"]

# Which floors may know a library.
LIBRARIES = {
    "curl/": {"daemon/remote", "daemon"},
    "openssl/": {"daemon/base", "daemon/remote"},
    "systemd/": {"daemon/base", "daemon/remote", "daemon/flow", "daemon/rpc", "daemon"},
}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def check(tree: pathlib.Path, _build: pathlib.Path) -> list[Finding]:
    findings = []
    for path in files(tree, ".c", ".h"):
        if path.parts[0] != "tests":
            findings += _check_file(tree, path)
    return findings


def _check_file(tree: pathlib.Path, path: pathlib.PurePath) -> list[Finding]:
    floor = str(path.parent)
    if floor != "client" and floor not in BELOW:
        return [Finding(str(path), 0, "is on no floor")]

    findings, first = [], True
    text = without_comments(read(tree, path))
    own = path.with_suffix(".h")
    for match in INCLUDE.finditer(text):
        complaint = (_complain_library(floor, match[2]) if match[1] == "<"
                     else _complain_file(tree, floor, match[2]))
        if first and path.suffix == ".c" and (tree / own).exists() and match[2] != str(own):
            complaint = f'does not include "{own}" first'
        first = False
        if complaint:
            findings.append(Finding(str(path), line_of(text, match.start()), complaint))
    return findings


def _complain_library(floor: str, header: str) -> str | None:
    for prefix, floors in LIBRARIES.items():
        if header.startswith(prefix) and floor not in floors:
            return f"{floor}/ knows nothing of <{header}>"
    return None


def _complain_file(tree: pathlib.Path, floor: str, header: str) -> str | None:
    target = str(pathlib.PurePath(header).parent)
    if not (tree / header).exists():
        return f'"{header}" does not name a file from the root'
    allowed = {"client", "proto"} if floor == "client" else set(BELOW[:BELOW.index(floor) + 1])
    if target not in allowed:
        return f'"{header}" is not below {floor}/'
    return None
