"""Every header compiles alone."""

import concurrent.futures
import pathlib
import re
import subprocess

from .source import Finding, files

FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-I.", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror",
         "-fsyntax-only", "-x", "c", "-"]


def check(tree: pathlib.Path, _build: pathlib.Path) -> list[Finding]:
    libraries = subprocess.run(["pkg-config", "--cflags", "libcurl", "openssl", "libsystemd", "json-c"],
                               capture_output=True, text=True).stdout.split()

    def compile_alone(path: pathlib.PurePath) -> list[Finding]:
        # What every unit test includes first, its header cannot do without.
        forerunner = '#include "tests/unit/unit.h"\n' if path.parts[0] == "tests" else ""
        done = subprocess.run(["cc", *libraries, *FLAGS], cwd=tree, capture_output=True, text=True,
                              input=f'{forerunner}#include "{path}"\n')
        if done.returncode == 0:
            return []
        error = re.search(r"error: (.*)", done.stderr)
        return [Finding(str(path), 0, f"does not compile alone: {error[1] if error else done.stderr.strip()}")]

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return [finding for found in pool.map(compile_alone, files(tree, ".h")) for finding in found]
