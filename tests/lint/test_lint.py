"""Every check of the lint is silent about what is good, and finds what is not."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from lint import floors, headers, interface, manual, outcome, sizes, text       # noqa: E402

VARLINK = """# An example.
interface org.globus.Agent
type Thing (size: int)
method GetThing(name: string, big: ?bool) -> (thing: Thing)
error NoThing (message: string, name: ?string)
"""
ERRORS = '[AGENT_ERROR_NO_THING] = {AGENT("NoThing"), 1, "No such thing"},\n'
FAULTS = """#define MESSAGE FIELD(struct fault, message, FIELD_STRING, FIELD_REQUIRED)
static const struct field no_thing[] = {MESSAGE, FIELD(struct fault, name, FIELD_STRING, 0), END};
static const struct declaration declarations[] = {
        [AGENT_ERROR_NO_THING] = {.fields = no_thing},
};
"""
DISPATCH = """static const struct field get_thing[] = {
        FIELD(struct get_thing, name, FIELD_STRING, FIELD_REQUIRED),
        FIELD(struct get_thing, big, FIELD_TRISTATE, 0),
        {},
};
static const struct method methods[] = {
        {"org.globus.Agent.GetThing", get_thing, sizeof(struct get_thing), run_get_thing},
};
"""
PAGE = """.Dd January 1, 2026
.Dt EXAMPLE {}
.Os
.Sh NAME
.Nm example
.Nd an example
"""
PROTOCOL = PAGE.format(7) + """.Sh METHODS
.Ss GetThing
Takes name and big, gives thing.
.Sh TYPES
.Ss Thing
Its size.
.Sh ERROR REPLIES
.Ss NoThing
With its name.
"""
GOOD_INTERFACE = {
    "proto/org.globus.Agent.varlink": VARLINK, "proto/error.c": ERRORS, "proto/fault.c": FAULTS,
    "daemon/rpc/dispatch.c": DISPATCH, "man/globus-agent-protocol.7": PROTOCOL,
    "man/globus-agentctl.1": PAGE.format(1), "man/globus-agent-config.5": PAGE.format(5)}


@pytest.fixture
def tree(tmp_path):
    """Makes a tree of the files given, and says what the check found: as lines."""
    def find(check, contents: dict[str, str]) -> list[str]:
        for name, content in contents.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return [str(finding) for finding in check(tmp_path, tmp_path / "build")]
    return find


HEADER = "#pragma once\nint f(void);\n"


@pytest.mark.parametrize("name, content, complaint", [
    ("daemon/base/a.c", '#include "daemon/model/h.h"\n', 'a.c:1: "daemon/model/h.h" is not below'),
    ("daemon/flow/a.c", '\n#include "daemon/rpc/h.h"\n', 'a.c:2: "daemon/rpc/h.h" is not below'),
    ("client/a.c", '#include "daemon/base/h.h"\n', "is not below client/"),
    ("proto/a.c", '#include "client/h.h"\n', "is not below proto/"),
    ("daemon/base/a.c", '#include "h.h"\n', "does not name a file from the root"),
    ("client/a.c", "#include <openssl/evp.h>\n", "knows nothing of <openssl/evp.h>"),
    ("proto/a.c", "#include <systemd/sd-event.h>\n", "knows nothing of"),
    ("daemon/model/a.c", "#include <curl/curl.h>\n", "knows nothing of"),
    ("daemon/model/h.c", '#include <stdio.h>\n#include "daemon/model/h.h"\n', "first"),
    ("daemon/cellar/a.c", "", "is on no floor"),
    ("elsewhere/a.c", "", "is on no floor"),
])
def test_floors_complain(tree, name, content, complaint):
    headers_there = {f"{floor}/h.h": HEADER for floor in ("client", *floors.BELOW)}
    found = tree(floors.check, headers_there | {name: content})
    assert len(found) == 1 and complaint in found[0]


def test_floors_allow(tree):
    assert tree(floors.check, {
        "proto/h.h": HEADER, "client/h.h": HEADER, "daemon/rpc/h.h": HEADER, "daemon/base/h.h": HEADER,
        "daemon/base/h.c": '#include "daemon/base/h.h"\n#include <openssl/evp.h>\n#include "proto/h.h"\n',
        "daemon/rpc/a.c": '#include "daemon/base/h.h"\n// #include "client/h.h"\n#include "daemon/rpc/h.h"\n',
        "daemon/a.c": '#include "daemon/rpc/h.h"\n', "client/a.c": '#include "proto/h.h"\n',
        "tests/unit/a.c": '#include "client/h.h"\n'}) == []


def test_headers(tree):
    found = tree(headers.check, {"proto/good.h": HEADER, "proto/bad.h": "#pragma once\nsize_t f(void);\n"})
    assert len(found) == 1 and found[0].startswith("proto/bad.h: does not compile alone")


def function(lines: int, parameters: str = "void") -> str:
    return f"static int f({parameters}) {{\n" + "        ;\n" * (lines - 2) + "}\n"


@pytest.mark.parametrize("content, complaint", [
    (function(41), "a.c:1: f() has 41 lines"),
    ("/* } */\nstruct s {\n        int a;\n};\n\n" + function(41), "a.c:6: f() has 41 lines"),
    (function(3, "int a, int b, int c,\n             int d, int e, int f"), "f() has 6 parameters"),
    (function(3, "int (*a)(int, int), int b, int c, int d, int e, int f"), "f() has 6 parameters"),
    ("\n" * 401, "a.c: has 401 lines"),
])
def test_sizes_complain(tree, content, complaint):
    found = tree(sizes.check, {"proto/a.c": content})
    assert len(found) == 1 and complaint in found[0]


def test_sizes_allow(tree):
    assert tree(sizes.check, {"proto/a.c": function(40, "int (*a)(int, int), int b, int c, int d, int e"),
                              "proto/b.c": 'static int x[] = {\n' + "        1,\n" * 60 + "};\n",
                              "proto/c.c": function(3, "const char *a, int b, int c, int d, int e, ..."),
                              "proto/d.c": "\n" * 400, "README.md": "\n" * 500}) == []


def test_layout(tree, tmp_path):
    shutil.copy(ROOT / ".clang-format", tmp_path)
    found = tree(text.check_layout, {"proto/good.c": "int a;\n", "proto/bad.c": "int a;\nint  b;\n"})
    assert found == ["proto/bad.c:2: is not formatted: clang-format -i"]


@pytest.mark.parametrize("name, content, complaint", [
    ("a.md", "good\nbad \n", "a.md:2: ends in blanks"),
    ("a.md", "bad\r\n", "a.md:1: ends in blanks"),
    ("a.c", "int a; /* TO" "DO: b */\n", "a.c:1: is unfinished"),
    ("a.sh", "# FIX" "ME\n", "is unfinished"),
    ("a.c", "\tint a;\n", "has a tab"),
    ("a.py", "a = 1" + " + 1" * 40 + "\n", "a.py:1: is wider"),
    ("a.h", "int a;\n/* b" + " c" * 60 + " */\n", "a.h:2: is wider"),
    ("a.txt", "no end", "does not end"),
    ("a.txt", "from https://py" "pi.org/simple\n", "names a host"),
])
def test_words_complain(tree, name, content, complaint):
    found = tree(text.check_words, {name: content})
    assert len(found) == 1 and complaint in found[0]


def test_words_allow(tree):
    assert tree(text.check_words, {"a.c": "int mastodon; /* TODOS */\n", "Makefile": "all:\n\ttrue\n",
                                   "build/a.c": "\t \n"}) == []


def test_shell(tree):
    found = tree(text.check_shell, {"good": "#!/bin/sh\ntrue\n", "bad": "#!/bin/bash\nif true; then\n",
                                    "no.py": "#!/usr/bin/python3\nif True:\n    pass\n"})
    assert len(found) == 1 and found[0].startswith("bad: ")


def test_interface_allows(tree):
    assert tree(interface.check, GOOD_INTERFACE) == []


@pytest.mark.parametrize("name, old, new, complaint", [
    ("proto/org.globus.Agent.varlink", "big: ?bool", "big ?bool", "is no interface description"),
    ("proto/org.globus.Agent.varlink", "NoThing", "NotAThing", "lacks NotAThing"),
    ("proto/error.c", "NoThing", "NoThingElse", "has NoThingElse"),
    ("proto/fault.c", "name, FIELD_STRING, 0", "name, FIELD_STRING, FIELD_REQUIRED",
     "NoThing, name: string here, ?string in"),
    ("daemon/rpc/dispatch.c", "GetThing", "GetThings", "has no row for the method GetThing"),
    ("daemon/rpc/dispatch.c", "GetThing", "GetThings", "the method GetThings is not in"),
    ("daemon/rpc/dispatch.c", "name, FIELD_STRING,", "name, FIELD_INT,", "name: int here, string in"),
    ("daemon/rpc/dispatch.c", "big,", "large,", "GetThing, big: nothing here, ?bool in"),
    ("daemon/rpc/dispatch.c", "big,", "large,", "GetThing, large: ?bool here, nothing in"),
    ("daemon/rpc/dispatch.c", "TRISTATE, 0", "TRISTATE, FIELD_REQUIRED", "big: bool here, ?bool in"),
])
def test_interface_complains(tree, name, old, new, complaint):
    assert old in GOOD_INTERFACE[name]
    found = tree(interface.check, GOOD_INTERFACE | {name: GOOD_INTERFACE[name].replace(old, new)})
    assert any(complaint in line for line in found), found


def test_manual_allows(tree):
    assert tree(manual.check, GOOD_INTERFACE) == []


@pytest.mark.parametrize("name, old, new, complaint", [
    ("man/globus-agent-protocol.7", ".Ss GetThing", ".Ss GetThings", "does not explain GetThing"),
    ("man/globus-agent-protocol.7", "big", "small", "does not explain big of GetThing"),
    ("man/globus-agent-protocol.7", "Its size.", "Its weight.", "does not explain size of Thing"),
    ("man/globus-agent-protocol.7", ".Ss NoThing", ".Ss AnyThing", "does not explain NoThing"),
    ("man/globus-agent-protocol.7", ".Nd an example", ".Nonsense", "man/globus-agent-protocol.7:6:"),
])
def test_manual_complains(tree, name, old, new, complaint):
    assert old in GOOD_INTERFACE[name]
    found = tree(manual.check, GOOD_INTERFACE | {name: GOOD_INTERFACE[name].replace(old, new)})
    assert any(complaint in line for line in found), found


def test_manual_knows_options_and_settings(tree):
    found = tree(manual.check, GOOD_INTERFACE | {
        "client/cmd-play.c": '        {"loud", OPTION_FLAG, 0, 0},\nconst struct command command_play = {\n',
        "daemon/base/config-value.c": '[SETTING_VOLUME] = {"volume", check_volume, "high"},\n'})
    assert sorted(found) == [
        "man/globus-agent-config.5: does not explain volume",
        "man/globus-agentctl.1: does not explain --loud of client/cmd-play.c",
        "man/globus-agentctl.1: does not explain the command play"]


def test_units(tree):
    service = (ROOT / "systemd/globus-agent.service.in").read_text()
    socket = (ROOT / "systemd/globus-agent.socket").read_text()
    names = "systemd/globus-agent.service.in", "systemd/globus-agent.socket"
    assert tree(outcome.check_units, dict(zip(names, (service, socket)))) == []
    service = service.replace("[Service]", "[Service]\nNonsense=1")
    found = tree(outcome.check_units, dict(zip(names, (service, socket))))
    assert any("Nonsense" in line for line in found)


@pytest.mark.parametrize("flags, complaint", [
    (["-Wl,--no-as-needed", "-lssl"], "links libssl.so"),
    (["-Wl,-z,lazy"], "is not full RELRO"),
    (["-no-pie"], "is not a position-independent program"),
    ([], None),
])
def test_programs(tmp_path, flags, complaint):
    source = tmp_path / "main.c"
    source.write_text("int main(void) { return 0; }\n")
    for name in outcome.PROGRAMS:
        subprocess.run(["cc", "-pie", "-fPIE", "-Wl,-z,relro,-z,now", "-o", tmp_path / name, source, *flags],
                       check=True)
    found = [str(finding) for finding in outcome.check_programs(ROOT, tmp_path)]
    assert any(complaint in line for line in found) if complaint else found == []


def test_programs_missing(tmp_path):
    assert len(outcome.check_programs(ROOT, tmp_path)) == 2
