"""Nothing is larger than fits in a head."""

import pathlib

from .source import Finding, files, functions, read

FILE_LINES = 400
FUNCTION_LINES = 40
PARAMETERS = 5


def check(tree: pathlib.Path, _build: pathlib.Path) -> list[Finding]:
    findings = []
    for path in files(tree, ".c", ".h", ".py"):
        text = read(tree, path)
        lines = text.count("\n")
        if lines > FILE_LINES:
            findings.append(Finding(str(path), 0, f"has {lines} lines, not at most {FILE_LINES}"))
        if path.suffix != ".py":
            findings += _check_functions(str(path), text)
    return findings


def _check_functions(path: str, text: str) -> list[Finding]:
    findings = []
    for function in functions(text):
        for count, most, what in ((function.lines, FUNCTION_LINES, "lines"),
                                  (function.parameters, PARAMETERS, "parameters")):
            if count > most:
                findings.append(
                    Finding(path, function.line, f"{function.name}() has {count} {what}, not at most {most}"))
    return findings
