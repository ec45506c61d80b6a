"""Settings: whose they are, which one counts, and that a grant's tokens go only where they came from."""

import json
import pathlib
import signal
from urllib.parse import urlsplit

import pytest

from globus import Globus
from harness import Agent, one_line


def settings(agent):
    return {each["name"]: (each["value"], each["origin"]) for each in agent.status["settings"]}


@pytest.fixture
def elsewhere():
    """Another Globus."""
    with Globus() as stand_in:
        yield stand_in


def trusting_both(agent, elsewhere):
    """The settings, with certificates of either accepted."""
    bundle = agent.home.root / "both.pem"
    bundle.write_text("".join(pathlib.Path(globus.ca_file).read_text() for globus in (agent.globus, elsewhere)))
    return agent.settings | {"ca_file": str(bundle)}


# Where a value comes from

def test_status_shows_each_value_and_where_it_came_from(agent):
    shown = settings(agent)
    file = str(agent.home.config / "config.json")
    assert shown["auth_url"] == (agent.globus.auth_url, file)
    assert shown["ca_file"] == (agent.globus.ca_file, file)
    assert shown["environment"] == ("production", "built in")
    assert shown["protector"] == ("keyfile", file) and shown["keep_unlocked"] == ("true", "built in")
    assert "policy" not in shown
    assert shown["client_id"][1] == "built in" and shown["http_timeout"][1] == "built in"
    text = agent.ctl("status").ok().out
    assert agent.globus.auth_url in text and f"({file})" in text and "(built in)" in text


def test_daemons_own_environment_comes_after_the_file(stopped_agent):
    agent = stopped_agent
    agent.home.configure({name: value for name, value in agent.settings.items() if name != "ca_file"})
    agent.start(env={"GLOBUS_SDK_VERIFY_SSL": agent.globus.ca_file, "GLOBUS_SDK_HTTP_TIMEOUT": "12.5"})
    shown = settings(agent)
    assert shown["ca_file"] == (agent.globus.ca_file, "environment: GLOBUS_SDK_VERIFY_SSL")
    assert shown["http_timeout"] == ("12.5", "environment: GLOBUS_SDK_HTTP_TIMEOUT")
    agent.login()


def test_policy_is_shown_in_one_line(stopped_agent):
    agent = stopped_agent
    policy = {"protectors": ["memory", "keyfile"]}
    agent.home.configure(agent.settings | {"keep_unlocked": False, "policy": policy})
    agent.start()
    file = str(agent.home.config / "config.json")
    assert settings(agent)["policy"] == ("keyfile, memory", file)
    assert settings(agent)["keep_unlocked"] == ("false", file)
    assert "keyfile, memory" in agent.ctl("status").ok().out


def test_file_of_ones_own_choice(stopped_agent):
    agent = stopped_agent
    chosen = agent.home.root / "chosen.json"
    chosen.write_text("// a comment\n" + json.dumps(agent.settings | {"http_timeout": 7}))
    chosen.chmod(0o600)
    agent.home.configure("{")
    agent.start("--config", str(chosen))
    assert settings(agent)["http_timeout"] == ("7", str(chosen)) and agent.status["problems"] == []
    agent.login()


def test_client_names_globus_for_new_logins(stopped_agent, elsewhere):
    agent = stopped_agent
    agent.home.configure(trusting_both(agent, elsewhere))
    agent.start()
    env = {"GLOBUS_SDK_SERVICE_URL_AUTH": elsewhere.auth_url.rstrip("/"),
           "GLOBUS_SDK_SERVICE_URL_GROUPS": elsewhere.groups_url}
    login = agent.start_login(env=env)
    agent.finish_login(login, elsewhere.approve(login["authorize_url"])).ok()
    elsewhere.make_groups(1)
    assert len(agent.ctl("groups").ok().out.splitlines()) == 2          # without the variables, too
    assert agent.grant()["auth_url"] == elsewhere.auth_url
    assert agent.globus.log == []


def test_environment_belongs_to_the_profile(ada):
    preview = {"GLOBUS_SDK_ENVIRONMENT": "preview"}
    for command in "token", "groups", "whoami":
        other = ada.ctl(command, env=preview)
        assert other.status != 0 and other.out == "" and one_line(other.err)
        assert "preview" in other.err and "production" in other.err
        assert ada.ctl(command, env={"GLOBUS_SDK_ENVIRONMENT": "production"}).ok()
    assert ada.ctl("login", "--start", "--environment", "preview").status != 0


def test_environment_that_nobody_knows(agent):
    unknown = agent.ctl("login", "--start", "--environment", "moon")
    assert unknown.status == 1 and one_line(unknown.err) and "environment" in unknown.err


def test_other_environments_have_their_own_hosts(stopped_agent):
    stopped_agent.home.configure({})
    agent = stopped_agent.start()
    hosts = {
        "production": "auth.globus.org", "preview": "auth.preview.globus.org",
        "sandbox": "auth.sandbox.globuscs.info", "test": "auth.test.globuscs.info"}
    for environment, host in hosts.items():
        login = agent.start_login("--environment", environment, profile=environment)
        assert urlsplit(login["authorize_url"]).hostname == host


# Tokens go only where they came from

def test_settings_that_change_lead_no_token_astray(ada, elsewhere):
    ada.stop()
    ada.home.configure(trusting_both(ada, elsewhere) | {
        "auth_url": elsewhere.auth_url, "groups_url": elsewhere.groups_url,
        "client_id": elsewhere.add_client("other").id})
    ada.start()
    requests = len(ada.globus.log)
    ada.token("--refresh")
    ada.ctl("groups").ok()
    ada.ctl("logout").ok()
    assert elsewhere.log == []
    names = [request.names[0] for request in ada.globus.log[requests:]]
    assert {"refresh", "my_groups", "revoke"} == set(names)


def test_login_to_another_globus_takes_the_old_tokens_nowhere(stopped_agent, elsewhere):
    agent = stopped_agent
    agent.home.configure(trusting_both(agent, elsewhere))
    agent.start()
    agent.login()
    old = agent.globus.issued_secrets()
    login = agent.start_login(profile="other", env={"GLOBUS_SDK_SERVICE_URL_AUTH": elsewhere.auth_url,
                                                    "GLOBUS_SDK_SERVICE_URL_GROUPS": elsewhere.groups_url})
    agent.finish_login(login, elsewhere.approve(login["authorize_url"])).ok()
    agent.ctl("-p", "other", "token", "--refresh").ok()
    agent.ctl("-p", "other", "groups").ok()
    sent = " ".join(f"{request.form} {request.headers}" for request in elsewhere.log)
    assert not any(secret in sent for secret in old)


# What is refused

BAD = {
    "not JSON": ("{", "config.json"),
    "not an object": ("[]", "config.json"),
    "unknown key": ('{"clientid": "x"}', "clientid"),
    "no UUID": ('{"client_id": "mine"}', "client_id"),
    "http": ('{"auth_url": "http://127.0.0.1:1/"}', "https"),
    "http groups": ('{"groups_url": "http://127.0.0.1:1/"}', "groups_url"),
    "unknown environment": ('{"environment": "moon"}', "preview"),
    "no such file": ('{"ca_file": "/nonexistent.pem"}', "ca_file"),
    "unverified": ('{"ca_file": false}', "ca_file"),
    "no time": ('{"http_timeout": 0}', "http_timeout"),
    "endless time": ('{"http_timeout": -1}', "http_timeout"),
    "wrong kind": ('{"http_timeout": "soon"}', "http_timeout"),
    "protector of a call": ('{"protector": "plaintext"}', "globus-agentctl key"),
    "no boolean": ('{"keep_unlocked": "no"}', "keep_unlocked"),
    "no list": ('{"policy": {"protectors": "keyfile"}}', "protectors"),
    "nothing permitted": ('{"policy": {"protectors": []}}', "passphrase"),
    "given twice": ('{"http_timeout": 1, "http_timeout": 2}', "config.json"),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_configuration_is_answered_with_file_and_key(stopped_agent, bad):
    text, named = BAD[bad]
    stopped_agent.home.configure(text)
    agent = stopped_agent.start()
    for command in ("token",), ("groups",), ("login", "--start"), ("token", "--refresh"):
        refused = agent.ctl(*command)
        assert refused.status == 1 and refused.out == "" and one_line(refused.err)
        assert str(agent.home.config / "config.json") in refused.err and named in refused.err
    with agent.connect() as program:
        assert program.error("StartLogin").short == "NotConfigured"
    assert any(named in problem for problem in agent.status["problems"])
    assert named in agent.ctl("status").ok().out


@pytest.mark.parametrize("value", ["0", "no", "False", "off", "/nonexistent.pem"])
def test_tls_is_never_unverified(stopped_agent, value):
    agent = stopped_agent
    agent.home.configure({name: url for name, url in agent.settings.items() if name != "ca_file"})
    agent.start(env={"GLOBUS_SDK_VERIFY_SSL": value})
    refused = agent.ctl("login", "--start")
    assert refused.status == 1 and "GLOBUS_SDK_VERIFY_SSL" in refused.err and one_line(refused.err)
    assert any("GLOBUS_SDK_VERIFY_SSL" in problem for problem in agent.status["problems"])


def test_certificate_that_nobody_vouches_for_is_refused(stopped_agent):
    agent = stopped_agent
    agent.home.configure({name: url for name, url in agent.settings.items() if name != "ca_file"})
    agent.start()
    login = agent.start_login()
    refused = agent.finish_login(login, agent.globus.approve(login["authorize_url"]))
    assert refused.status == 6 and "certificate" in refused.err.lower()
    assert agent.globus.count("exchange") == 0


@pytest.mark.parametrize("service", ["auth", "groups"])
@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "ftp://x/", "https://user@thief.example/", "nonsense"])
def test_client_may_name_only_https(agent, service, url):
    refused = agent.ctl("login", "--start", env={f"GLOBUS_SDK_SERVICE_URL_{service.upper()}": url})
    assert refused.status == 1 and one_line(refused.err) and f"{service}_url" in refused.err


def test_proxy_is_used_and_its_password_shown_nowhere(stopped_agent):
    agent = stopped_agent
    agent.home.configure(agent.settings | {"proxy": "http://ada:s3cret@127.0.0.1:9"})
    agent.start()
    login = agent.start_login()
    assert agent.finish_login(login, agent.globus.approve(login["authorize_url"])).status == 6
    assert agent.globus.count("exchange") == 0
    assert "127.0.0.1:9" in settings(agent)["proxy"][0]
    assert "s3cret" not in agent.ctl("status", "--json").out + agent.ctl("status").out + agent.log


def test_reload_of_a_good_file_counts_and_of_a_bad_one_does_not(ada):
    ada.home.configure(ada.settings | {"http_timeout": 33})
    ada.process.send_signal(signal.SIGHUP)
    ada.wait_for(lambda status: {"http_timeout": "33"}.items() <= {
        each["name"]: each["value"] for each in status["settings"]}.items())
    ada.home.configure("{")
    ada.process.send_signal(signal.SIGHUP)
    ada.wait_for(lambda status: status["problems"])
    assert settings(ada)["http_timeout"][0] == "33"
    assert ada.token("--refresh")


def test_no_file_is_needed(stopped_agent):
    (stopped_agent.home.config / "config.json").unlink()
    agent = stopped_agent.start()
    assert agent.status["problems"] == []
    assert urlsplit(agent.start_login()["authorize_url"]).hostname == "auth.globus.org"


def test_profile_names(agent):
    assert agent.ctl("-p", "no such", "token").status == 2
    assert agent.ctl("-p", "x" * 65, "token").status == 2
    assert agent.ctl("-p", "A.z_0@-", "token").status == 4
    with agent.connect() as program:
        assert program.error("GetToken", profile="no such").name == "org.varlink.service.InvalidParameter"


def test_daemon_without_a_home_says_so(globus, home):
    agent = Agent(home, globus)
    agent.start(env={"XDG_STATE_HOME": "", "XDG_CONFIG_HOME": "", "HOME": str(home.home)})
    try:
        assert agent.status["store"]["path"].startswith(str(home.home / ".local/state/globus-agent"))
    finally:
        agent.stop()
