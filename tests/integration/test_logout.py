"""Logging out: revoked at Globus, and forgotten here whatever the network says."""

import pytest

from globus import AUTH, GROUPS
from harness import PATIENCE, finish, one_line


def assert_forgotten(agent, profile="default"):
    for command in "token", "groups", "whoami":
        assert agent.ctl("-p", profile, command).status == 4
    assert profile not in [each["profile"] for each in agent.status["profiles"]]


def test_logout_revokes_everything_and_forgets_it(ada):
    said = ada.ctl("logout").ok()
    assert said.out == "" and AUTH in said.err and GROUPS in said.err
    grants = ada.globus.ledger.grants
    assert len(grants) == 2 and all(grant.refresh_revoked for grant in grants)
    assert all(token.revoked for grant in grants for token in grant.access)
    assert_forgotten(ada)
    ada.restart()
    assert_forgotten(ada)


def test_logout_of_one_profile_leaves_the_other(ada):
    ada.login(profile="lab", user=ada.globus.ben)
    token = ada.token()
    ada.ctl("-p", "lab", "logout").ok()
    assert_forgotten(ada, "lab")
    assert ada.token() == token and ada.ctl("groups").ok()


def test_logout_of_all(ada):
    ada.login(profile="lab", user=ada.globus.ben)
    ada.ctl("logout", "--all").ok()
    assert ada.status["profiles"] == []
    assert all(grant.refresh_revoked for grant in ada.globus.ledger.grants)
    ada.restart()
    assert ada.status["profiles"] == []


def test_logout_of_nobody(agent):
    for options in (), ("--all",):
        said = agent.ctl("logout", *options)
        assert said.status in (0, 4) and one_line(said.err)
    assert agent.globus.log == []


TROUBLES = [
    lambda fault: fault.answer(404), lambda fault: fault.answer_json({"error": "unauthorized_client"}, 400)]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_is_not_revoked_is_named_with_the_page_where_it_can_be(ada, trouble):
    trouble(ada.globus.faults.revoke)
    said = ada.ctl("logout")
    assert said.status == 6 and said.out == "" and GROUPS in said.err and AUTH in said.err
    assert f"{ada.globus.auth_url}v2/web/consents" in said.err
    assert ada.log.count("Not revoked") == 2            # once for each service
    ada.globus.faults.revoke.clear()
    assert_forgotten(ada)
    ada.restart()
    assert_forgotten(ada)


def test_access_token_that_cannot_be_revoked_does_not_spare_the_refresh_token(ada):
    ada.globus.faults.revoke.answer(500, times=1)
    said = ada.ctl("logout")
    assert said.status == 6 and one_line(said.err.splitlines()[-1] + "\n")
    assert ada.globus.count("revoke") == 4


def test_logout_that_was_begun_is_carried_out_before_the_daemon_ends(ada):
    ada.globus.faults.revoke.hold()
    saying = ada.spawn("logout")
    ada.globus.wait_for(lambda: ada.globus.faults.revoke.held > 0, PATIENCE)
    ada.process.terminate()
    ada.wait_for(lambda _status: "Stopping" in ada.log)
    ada.globus.faults.revoke.release()
    assert finish(saying).status == 0 and ada.process.wait(PATIENCE) == 0
    assert ada.globus.count("revoke") == 4
    ada.process = None


def test_token_that_another_profile_holds_is_not_revoked(ada):
    ada.globus.knobs.same_access_token = True
    ada.login(profile="one")
    ada.login(profile="two")
    assert ada.ctl("-p", "one", "token").ok().out == ada.ctl("-p", "two", "token").ok().out
    ada.ctl("-p", "two", "logout").ok()
    assert ada.ctl("-p", "one", "groups").ok()


def test_logout_without_a_network(ada):
    ada.globus.go_offline()
    said = ada.ctl("logout")
    assert said.status == 6 and "v2/web/consents" in said.err
    assert_forgotten(ada)
    ada.restart()
    assert_forgotten(ada)


def test_logout_while_globus_is_silent_has_an_end(ada):
    """The client stops waiting; the daemon has forgotten all the same."""
    ada.globus.faults.revoke.black_hole()
    assert ada.ctl("--timeout", "1", "logout").status == 6
    assert_forgotten(ada)
    assert ada.status["profiles"] == []


def test_logout_while_a_refresh_is_under_way(ada):
    """Its late result finds nothing that it could bring back to life."""
    ada.globus.knobs.rotate = True
    ada.globus.faults.refresh.hold()
    waiting = ada.spawn("token", "--refresh")
    ada.globus.wait_for(lambda: ada.globus.faults.refresh.held == 1, PATIENCE)
    ada.ctl("logout").ok()
    ada.globus.faults.refresh.release()
    assert waiting.wait(PATIENCE) == 4
    waiting.communicate()
    assert_forgotten(ada)
    ada.restart()
    assert_forgotten(ada)


def test_login_after_logout(ada):
    old = ada.token()
    ada.ctl("logout").ok()
    ada.login(user=ada.globus.ben)              # nobody's profile is anybody's
    assert ada.token() != old and ada.ctl("whoami").ok().out == "bcole@lab.example\n"


def test_logout_is_on_disk_before_it_is_said(ada):
    ada.ctl("logout").ok()
    ada.kill()
    ada.start()
    assert_forgotten(ada)


def test_program_hears_what_was_revoked(ada):
    with ada.connect() as program:
        answer = program.call("Logout")
        assert sorted(each["resource_server"] for each in answer["revoked"]) == [AUTH, GROUPS]
        assert answer["not_revoked"] == [] and not answer.get("moved_to")
        assert {each["profile"] for each in answer["revoked"]} == {"default"}
