"""What was built, and what a service manager makes of it."""

import os
import pathlib
import re
import subprocess
import tempfile

from .source import Finding, read

CLIENT_HAS_NO = re.compile(r"\blib(?:curl|ssl|crypto|systemd)\b")
HARDENED = {"BIND_NOW": "full RELRO", "PIE": "a position-independent program"}
PROGRAMS = ("globus-agent", "globus-agentctl")


def check_programs(_tree: pathlib.Path, build: pathlib.Path) -> list[Finding]:
    findings = []
    for name in PROGRAMS:
        program = build / name
        if not program.exists():
            findings.append(Finding(str(program), 0, "is not built"))
            continue
        done = subprocess.run(["readelf", "--wide", "--dynamic", program], capture_output=True, text=True)
        if name == "globus-agentctl":
            findings += [Finding(str(program), 0, f"links {library}")
                         for library in re.findall(r"\(NEEDED\).*\[(.*)\]", done.stdout)
                         if CLIENT_HAS_NO.search(library)]
        findings += [Finding(str(program), 0, f"is not {what}")
                     for flag, what in HARDENED.items() if not re.search(rf"\b{flag}\b", done.stdout)]
    return findings


def check_units(tree: pathlib.Path, _build: pathlib.Path) -> list[Finding]:
    """As installed, but for a program that is certainly there."""
    service = read(tree, "systemd/globus-agent.service.in")
    with tempfile.TemporaryDirectory() as directory:
        pathlib.Path(directory, "globus-agent.service").write_text(
            re.sub(r"^ExecStart=@BINDIR@/globus-agent$", "ExecStart=/bin/true", service, flags=re.MULTILINE))
        pathlib.Path(directory, "globus-agent.socket").write_text(read(tree, "systemd/globus-agent.socket"))
        done = subprocess.run(
            ["systemd-analyze", "--user", "--man=no", "verify", *sorted(pathlib.Path(directory).iterdir())],
            capture_output=True, text=True, env=os.environ | {"XDG_RUNTIME_DIR": directory})
    findings = [Finding("systemd", 0, line.replace(f"{directory}/", "")) for line in done.stderr.splitlines()]
    if done.returncode and not findings:
        findings.append(Finding("systemd", 0, f"systemd-analyze ended with {done.returncode}"))
    return findings
