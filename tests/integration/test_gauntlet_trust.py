"""Whom the agent trusts: a bundle of the user's is read once, and what is wrong with it is said by name."""

import pathlib
import signal

import pytest

from globus import GROUPS, Globus
from harness import find_grant, one_line


@pytest.fixture
def bundle(agent):
    """Of the agent, its own copy."""
    path = agent.home.root / "bundle.pem"
    path.write_bytes(pathlib.Path(agent.globus.ca_file).read_bytes())
    reload(agent, path)
    agent.login()
    return path


def reload(agent, path):
    before = agent.log.count("Settings read anew")
    agent.home.configure(agent.settings | {"ca_file": str(path)})
    agent.process.send_signal(signal.SIGHUP)
    agent.wait_for(lambda _: agent.log.count("Settings read anew") > before)


def test_bundle_is_read_once(agent, bundle):
    bundle.unlink()
    agent.globus.hang_up()
    agent.token("--refresh")
    agent.ctl("groups").ok()


@pytest.mark.parametrize("content", [
    "", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_bundle_that_cannot_be_read_is_named_and_tried_again(agent, bundle, content):
    good, token = bundle.read_text(), agent.token()
    bundle.write_text(content)
    reload(agent, bundle)
    for command in ("token", "--refresh"), ("groups",):
        failed = agent.ctl(*command)
        assert failed.status == 6 and one_line(failed.err)
        assert f"Cannot read the CA certificates in {bundle}" in failed.err
    assert agent.token() == token
    bundle.write_text(good)
    agent.wait_for(lambda status: "retry_at" not in find_grant(status, GROUPS))
    assert agent.token("--refresh") != token
    agent.wait_for(lambda _: agent.ctl("groups").status == 0)


def test_connection_made_under_another_trust_is_not_used(agent, bundle):
    agent.ctl("groups").ok()            # leaves a connection open
    with Globus() as stranger:
        reload(agent, stranger.ca_file)
        for command in ("groups", "--max-age", 0), ("token", "--refresh"):
            failed = agent.ctl(*command)
            assert failed.status == 6 and "certificate" in failed.err
    reload(agent, bundle)
    agent.wait_for(lambda _: agent.ctl("groups", "--max-age", 0).status == 0)


def test_bundle_holds_for_a_proxy_that_speaks_tls_too(stopped_agent):
    """Neither of the two is a proxy; the one that is trusted gets to say so."""
    agent = stopped_agent
    with Globus() as stranger:
        for url, said in (agent.globus.groups_url, "response 501"), (stranger.groups_url, "certificate"):
            agent.home.configure(agent.settings | {"proxy": url})
            agent.start()
            login = agent.start_login()
            failed = agent.finish_login(login, agent.globus.approve(login["authorize_url"]))
            assert failed.status == 6 and said in failed.err
            agent.stop()
