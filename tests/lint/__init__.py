"""What can be seen without running the programs: each check takes tree and build, and returns findings."""

import pathlib

from . import floors, headers, interface, manual, outcome, sizes, text
from .source import Finding

CHECKS = {
    "floors": floors.check,
    "headers": headers.check,
    "sizes": sizes.check,
    "layout": text.check_layout,
    "words": text.check_words,
    "shell": text.check_shell,
    "interface": interface.check,
    "manual": manual.check,
    "units": outcome.check_units,
    "programs": outcome.check_programs,
}


def run(tree: pathlib.Path, build: pathlib.Path) -> dict[str, list[Finding]]:
    return {name: sorted(check(tree, build)) for name, check in CHECKS.items()}


def show(results: dict[str, list[Finding]]) -> None:
    for name, findings in results.items():
        for finding in findings:
            print(f"{finding} [{name}]")
    count = sum(map(len, results.values()))
    print(f"lint: {count} finding{'' if count == 1 else 's'} in {len(results)} checks", flush=True)
