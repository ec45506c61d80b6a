"""A token that a server refused: replaced once for everybody who brings it, and never in a loop."""

import os
import time

import pytest

import memory
from harness import DAEMON, one_line

WORKERS = 300
SANITIZED = b"__asan_init" in DAEMON.read_bytes() if DAEMON.exists() else False


def rejected(agent, token, *options):
    return agent.ctl("token", "--rejected", *options, stdin=f"{token}\n")


def test_refused_token_is_replaced(ada):
    before = ada.token()
    after = rejected(ada, before).ok().out.removesuffix("\n")
    assert after != before and ada.token() == after and ada.refreshes() == 1
    assert rejected(ada, after).status == 6             # not again within the minute
    assert ada.refreshes() == 1 and ada.token() == after


def test_three_hundred_workers_with_the_same_401_make_one_refresh(ada):
    """They work at 300 connections; half of them find out when the refresh is over."""
    refused = ada.token()
    ada.globus.faults.refresh.hold()
    workers = [ada.connect() for _ in range(WORKERS)]
    for worker in workers[::2]:
        worker.send("org.globus.Agent.GetToken", {"rejected_token": refused})
    ada.wait_refreshes(1)
    ada.globus.faults.refresh.release()
    tokens = {worker.result("org.globus.Agent.GetToken")["access_token"] for worker in workers[::2]}
    tokens |= {worker.call("GetToken", rejected_token=refused)["access_token"] for worker in workers[1::2]}
    for worker in workers:
        worker.close()
    assert ada.refreshes() == 1 and len(tokens) == 1 and refused not in tokens


def test_token_that_is_not_the_current_one_costs_no_request(ada):
    current = ada.token()
    for old in "AgOld", current[:-1], f"{current}x", "\u00e9\U0001f600", "x" * 10000:
        assert rejected(ada, old).ok().out == f"{current}\n"
    assert ada.refreshes() == 0


def test_same_token_again_is_no_help(ada):
    ada.globus.knobs.same_access_token = True
    refused = ada.token()
    with ada.connect() as program:
        for _ in range(5):
            error = program.error("GetToken", rejected_token=refused)
            assert error.short == "Unavailable" and 50 < error.parameters["retry_at"] - time.time() <= 61
        assert program.call("GetToken")["access_token"] == refused      # others may do with it
    failed = rejected(ada, refused)
    assert failed.status == 6 and failed.out == "" and one_line(failed.err) and refused not in failed.err
    assert ada.refreshes() == 1


def test_globus_that_is_away_is_not_asked_by_every_worker(ada):
    refused = ada.token()
    ada.globus.faults.refresh.answer(503, {"Retry-After": "100"})
    with ada.connect() as program:
        errors = [program.error("GetToken", rejected_token=refused) for _ in range(20)]
    assert {error.short for error in errors} == {"Unavailable"} and ada.refreshes() == 1
    assert all(error.parameters["retry_at"] - time.time() > 90 for error in errors)


def test_login_without_refresh_token_takes_another(agent):
    agent.login("--no-refresh-token")
    token = agent.token()
    refused = rejected(agent, token)
    assert refused.status == 4 and one_line(refused.err)
    assert rejected(agent, "AgOld").ok().out == f"{token}\n"


@pytest.mark.parametrize("stdin", ["", "\n", "  \n", "x" * 20000], ids=["nothing", "empty", "blank", "huge"])
def test_what_is_no_token_is_said(ada, stdin):
    failed = ada.ctl("token", "--rejected", stdin=stdin)
    assert failed.status == 1 and one_line(failed.err) and "xxx" not in failed.err


@pytest.mark.skipif(os.geteuid() != 0, reason="what is not dumpable can be looked at by root only")
@pytest.mark.skipif(SANITIZED, reason="the shadow of AddressSanitizer is too large to look through")
def test_refused_token_is_not_left_in_memory(ada):
    end = "ThatOnlyThisCallHasEverHad"
    token = rejected(ada, f"Ag{'x' * 40}{end}").ok().out.removesuffix("\n")
    found = b"".join(content for _, content in memory.contents(ada.pid))
    assert token.encode() in found and end.encode() not in found
