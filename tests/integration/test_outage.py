"""However often somebody asks, a service that fails is asked ever more rarely, and when it wants to be."""

import email.utils
import time

import pytest


def ask_over_and_over(agent, times=20):
    """What each was told, ever different questions."""
    with agent.connect() as program:
        return [program.error("ListGroups", max_age=0, statuses=["active", "invited", "pending"][:1 + each % 3])
                for each in range(times)]


@pytest.mark.parametrize("as_date", [False, True])
def test_globus_that_wants_to_be_left_alone_is(ada, as_date):
    ada.ctl("groups").ok()
    after = email.utils.formatdate(time.time() + 120, usegmt=True) if as_date else "120"
    ada.globus.faults.my_groups.answer(429, {"Retry-After": after})
    errors = ask_over_and_over(ada)
    assert ada.globus.count("my_groups") == 2
    for error in errors:
        assert error.short == "Unavailable" and "429" in error.parameters["message"]
        assert 100 < error.parameters["retry_at"] - time.time() < 125
    ada.ctl("groups").ok()                      # what is known and young enough is no trouble
    assert ada.ctl("groups", "--max-age", 0).status == 6

    ada.globus.faults.clear()
    ada.login("--force")                        # another login, another chance
    ada.ctl("groups", "--max-age", 0).ok()


@pytest.mark.parametrize("trouble", [
    lambda fault: fault.answer(500), lambda fault: fault.reset(), lambda fault: fault.answer(200, body="[1]"),
    lambda fault: fault.answer(429, {"Retry-After": "0"})])
def test_service_that_fails_is_asked_ever_more_rarely(ada, trouble):
    trouble(ada.globus.faults.my_groups)
    began = time.monotonic()
    errors = ask_over_and_over(ada, 500)
    took = time.monotonic() - began
    assert ada.globus.count("my_groups") <= 2 + 2 * took
    assert all(error.short == "Unavailable" and error.parameters["retry_at"] for error in errors)

    ada.globus.faults.clear()
    assert ada.wait_for(lambda _status: ada.ctl("groups", "--max-age", 0).status == 0)


def test_token_that_is_always_refused_costs_one_refresh(ada):
    ada.globus.faults.my_groups.invalid_token(times=None)
    began = time.monotonic()
    ask_over_and_over(ada, 100)
    took = time.monotonic() - began
    assert ada.refreshes() == 1
    assert ada.globus.count("my_groups") <= 4 + 4 * took


def test_session_that_groups_demands_is_not_asked_for_again_and_again(ada):
    ada.globus.faults.my_groups.requires(403, session_required_mfa=True)
    errors = ask_over_and_over(ada, 100)
    assert all(error.short == "LoginNeeded" and error.parameters["session_required_mfa"] for error in errors)
    assert ada.globus.count("my_groups") <= 4
    ada.globus.faults.clear()
    ada.login("--force")
    ada.ctl("groups").ok()
