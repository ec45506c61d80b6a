"""The form of what is written: layout, blanks, and words that do not belong into a finished thing."""

import pathlib
import re
import subprocess

from .source import Finding, files, line_of, read

# Split up, so that this file is not found.
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME)\b")
REGISTRY = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|crates|debian|ubuntu|docker|golang|quay|ghcr)\.(?:org|io|com|dev)\b")
BLANKS = re.compile(r"[ \t\r]+$", re.MULTILINE)
TAB = re.compile(r"\t")

WIDTH = 112
SHELL = re.compile(r"#!.*\b(bash|sh)\b")


def check_layout(tree: pathlib.Path, _build: pathlib.Path) -> list[Finding]:
    """What .clang-format decides."""
    names = [str(path) for path in files(tree, ".c", ".h")]
    if not names:
        return []
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *names], cwd=tree, capture_output=True,
                          text=True)
    places = set(re.findall(r"^([^:\n]+):(\d+):\d+: error:", done.stderr, re.MULTILINE))
    findings = [Finding(path, int(line), "is not formatted: clang-format -i") for path, line in places]
    return findings or [Finding(".clang-format", 0, done.stderr.strip())] * (done.returncode != 0)


def check_words(tree: pathlib.Path, _build: pathlib.Path) -> list[Finding]:
    findings = []
    for path in files(tree):
        try:
            text = (tree / path).read_bytes().decode()
        except UnicodeDecodeError:
            findings.append(Finding(str(path), 0, "is not UTF-8"))
            continue
        if path.name != "LICENSE":
            findings += _check_text(path, text)
    return findings


def _check_text(path: pathlib.PurePath, text: str) -> list[Finding]:
    complaints = [(BLANKS, "ends in blanks"), (UNFINISHED, "is unfinished, as it says"),
                  (REGISTRY, "names a host of a package registry")]
    code = path.suffix in (".c", ".h", ".py")
    if code:
        complaints.append((TAB, "has a tab"))
    findings = [Finding(str(path), line_of(text, match.start()), complaint)
                for pattern, complaint in complaints for match in pattern.finditer(text)]
    if code:    # what clang-format does not break: comments and strings
        findings += [Finding(str(path), number, f"is wider than {WIDTH} columns")
                     for number, line in enumerate(text.splitlines(), 1) if len(line) > WIDTH]
    if text and not text.endswith("\n"):
        findings.append(Finding(str(path), 0, "does not end with a line's end"))
    return findings


def check_shell(tree: pathlib.Path, _build: pathlib.Path) -> list[Finding]:
    findings = []
    for path in files(tree):
        shell = SHELL.match(read(tree, path).partition("\n")[0])
        if shell:
            done = subprocess.run(["bash", "-n", str(path)], cwd=tree, capture_output=True, text=True)
            if done.returncode:
                findings.append(Finding(str(path), 0, done.stderr.strip()))
    return findings
