"""Clients that others wrote, and that know nothing but the interface the daemon tells them."""

import json
import shutil
import subprocess

import pytest

from harness import INTERFACE, PATIENCE
from interface import Interface

PYTHON = "/usr/bin/python3"     # -I: a module of ours has the name of theirs
LIBRARY = subprocess.run([PYTHON, "-I", "-c", "import varlink"], capture_output=True).returncode == 0

needs_varlinkctl = pytest.mark.skipif(not shutil.which("varlinkctl"), reason="systemd has varlinkctl since 255")
needs_library = pytest.mark.skipif(not LIBRARY, reason="needs python3-varlink")

THROUGH_THE_LIBRARY = """
import json, sys, varlink
with varlink.Client("unix:" + sys.argv[1]) as client, client.open("org.globus.Agent") as agent:
    try:
        reply = getattr(agent, sys.argv[2])(**json.loads(sys.argv[3]))
    except varlink.VarlinkError as error:
        reply = {"error": error.error(), "parameters": error.parameters()}
print(json.dumps(reply))
"""


def run(*command):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=PATIENCE)


def varlinkctl(*arguments):
    done = run("varlinkctl", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def call(agent, method, **parameters):
    return run("varlinkctl", "call", "--json=short", agent.home.socket, f"org.globus.Agent.{method}",
               json.dumps(parameters))


def call_through_library(agent, method, **parameters):
    done = run(PYTHON, "-I", "-c", THROUGH_THE_LIBRARY, agent.home.socket, method, json.dumps(parameters))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def groups(agent):
    with agent.connect() as program:
        return program.call("ListGroups")["groups"]


@needs_varlinkctl
def test_varlinkctl_reads_the_interface(agent):
    read = Interface(varlinkctl("introspect", agent.home.socket, "org.globus.Agent"))
    assert (read.name, read.types, read.methods, read.errors) \
        == (INTERFACE.name, INTERFACE.types, INTERFACE.methods, INTERFACE.errors)


@needs_varlinkctl
def test_varlinkctl_finds_what_there_is(agent):
    interfaces = varlinkctl("list-interfaces", agent.home.socket).split()
    assert sorted(interfaces) == ["org.globus.Agent", "org.varlink.service"]
    assert "globus-agent" in varlinkctl("info", agent.home.socket)


@needs_varlinkctl
def test_varlinkctl_calls(ada):
    reply = json.loads(call(ada, "GetToken", resource="groups").stdout)
    assert reply["access_token"] == ada.token()
    assert json.loads(call(ada, "ListGroups").stdout)["groups"] == groups(ada)


@needs_varlinkctl
def test_varlinkctl_is_told_what_is_wrong(agent):
    refused = call(agent, "GetToken")
    assert refused.returncode != 0 and "org.globus.Agent.LoginNeeded" in refused.stderr
    assert json.loads(refused.stdout)["reason"] == "never"
    assert "org.varlink.service.InvalidParameter" in call(agent, "GetToken", nonsense=1).stderr


@needs_library
def test_python_library_calls(ada):
    reply = call_through_library(ada, "GetToken", resource="groups")
    INTERFACE.check_reply("org.globus.Agent.GetToken", reply)
    assert reply["access_token"] == ada.token()
    assert call_through_library(ada, "GetStatus")["profiles"] == ada.status["profiles"]
    assert call_through_library(ada, "ListGroups")["groups"] == groups(ada)


@needs_library
def test_python_library_is_told_what_is_wrong(agent):
    refused = call_through_library(agent, "GetToken", profile="lab")
    assert refused["error"] == "org.globus.Agent.LoginNeeded" and refused["parameters"]["profile"] == "lab"


@needs_library
def test_python_library_holds_callers_to_the_interface(agent):
    """What is of the wrong type does not even leave it."""
    refused = call_through_library(agent, "GetToken", resource=1)
    assert refused["error"] == "org.varlink.service.InvalidParameter"
