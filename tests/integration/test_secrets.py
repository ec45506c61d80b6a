"""Where no secret may ever be: log, command line, environment, files, core dumps, error messages."""

import os
import pathlib
import resource

import pytest

from harness import finish, one_line


@pytest.fixture
def busy(ada):
    """After a day's work: everything that a secret takes part in has happened, the bad things, too."""
    ada.globus.knobs.rotate = True
    login = ada.start_login(profile="lab")
    ada.finish_login(login, "a-code-that-is-wrong")
    ada.finish_login(login, ada.globus.approve(login["authorize_url"], ada.globus.ben)).ok()
    ada.globus.revoke_access_tokens()
    ada.ctl("groups").ok()
    ada.token("auth", "--refresh")
    ada.ctl("token", "auth", "--rejected", stdin=f"{ada.token('auth')}\n")
    ada.globus.faults.refresh.answer(400, body='{"error": "invalid_request"}', times=1)
    ada.ctl("-p", "lab", "token", "--refresh")
    login = ada.start_login("--service", "transfer")
    ada.finish_login(login, ada.globus.approve(login["authorize_url"], ada.globus.ben))
    ada.ctl("-p", "lab", "logout")
    ada.wait_saved()
    return ada


def secrets(agent):
    issued = agent.globus.issued_secrets()
    assert len(issued) > 15
    return issued


def test_no_secret_in_the_log(busy):
    assert "invalid_request" in busy.log                # something is
    assert not [secret for secret in secrets(busy) if secret in busy.log]


def test_no_secret_in_any_file(busy):
    files = [path for path in busy.home.root.rglob("*") if path.is_file()]
    assert busy.home.store in files
    contents = b"".join(path.read_bytes() for path in files)
    assert not [secret for secret in secrets(busy) if secret.encode() in contents]


def test_no_secret_in_status(busy):
    shown = busy.ctl("status").ok().out + busy.ctl("status", "--json").ok().out
    assert not [secret for secret in secrets(busy) if secret in shown]


@pytest.mark.skipif(os.geteuid() != 0, reason="what is not dumpable can be looked at by root only")
def test_no_secret_in_command_line_or_environment(busy):
    process = pathlib.Path(f"/proc/{busy.pid}")
    seen = (process / "cmdline").read_text() + (process / "environ").read_text()
    assert "--socket" in seen and not [secret for secret in secrets(busy) if secret in seen]


def test_no_refresh_token_and_no_verifier_is_told_to_anybody(ada):
    with ada.connect() as program:
        started = program.call("StartLogin", force=True)
        code = ada.globus.approve(started["authorize_urls"][0]["url"])
        answers = [
            started, program.call("FinishLogin", login_id=started["login_id"], code=code),
            program.call("GetToken", refresh=True), program.call("GetStatus"), program.call("GetIdentity"),
            program.call("ListGroups"), program.call("Logout")]
    told = str(answers)
    exchange = [request for request in ada.globus.log if "exchange" in request.names][-1]
    assert exchange.form["code_verifier"] not in told
    assert not [grant for grant in ada.globus.ledger.grants if grant.refresh_token in told]


def test_words_of_globus_obey_nobody(ada):
    nasty = "%s%n\x1b[2J\r\nforged line \u202e"
    ada.globus.faults.refresh.answer_json({"error": "invalid_request", "error_description": nasty}, 400)
    failed = ada.ctl("token", "--refresh")
    assert failed.status == 6 and one_line(failed.err)
    for text in failed.err, ada.log, ada.ctl("status").ok().out:
        assert "\x1b" not in text and "\r" not in text and "\u202e" not in text
        assert not any(line.startswith("forged") for line in text.splitlines())


def test_process_leaves_no_core(ada):
    assert resource.prlimit(ada.pid, resource.RLIMIT_CORE) == (0, 0)


def test_descriptor_limit_is_raised_to_the_hard_one(stopped_agent):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))

    agent = stopped_agent.start(preexec_fn=lower)
    assert resource.prlimit(agent.pid, resource.RLIMIT_NOFILE) == (hard, hard)


def test_variables_that_would_leak_are_dropped(stopped_agent):
    leak = stopped_agent.home.root / "tls-keys"
    agent = stopped_agent.start(env={"SSLKEYLOGFILE": str(leak), "MALLOC_TRACE": str(leak)})
    agent.login()
    assert not leak.exists()


def test_token_is_printed_and_nothing_else(ada):
    process = ada.spawn("token")
    result = finish(process)
    assert result.err == "" and result.out.count("\n") == 1 and " " not in result.out
