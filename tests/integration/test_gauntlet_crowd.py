"""Many requests at once: few connections, used again, and no service in the way of another."""

import pytest

from globus import GROUPS
from harness import PATIENCE, finish

PROFILES = [f"p{number}" for number in range(50)]
CONNECTIONS_MAX = 6
CONNECTIONS_HOST_MAX = 4        # to one host


@pytest.fixture
def due(stopped_agent):
    """Fifty profiles of four grants each, every one of them to be refreshed as soon as the agent runs."""
    stopped_agent.login_overdue(PROFILES)
    return stopped_agent


def test_two_hundred_refreshes_share_a_few_connections(due):
    globus = due.globus
    before, accepted = globus.count("refresh"), globus.accepted
    due.start()
    globus.wait_for(lambda: globus.count("refresh", status=200) >= 200, PATIENCE)
    status = due.wait_for(lambda status: all(
        grant["state"] == "valid" for account in status["profiles"] for grant in account["grants"]))
    assert sum(len(account["grants"]) for account in status["profiles"]) == 200
    assert globus.count("refresh") - before == 200
    assert globus.accepted - accepted <= CONNECTIONS_MAX


def test_service_that_is_silent_leaves_room_for_others(agent):
    globus = agent.globus
    for profile in PROFILES[:CONNECTIONS_MAX + 2]:
        agent.login(profile=profile)
    globus.faults.my_groups.black_hole()
    waiting = [agent.spawn("-p", profile, "groups") for profile in PROFILES[:CONNECTIONS_MAX + 2]]
    globus.wait_for(lambda: globus.count("my_groups") == CONNECTIONS_HOST_MAX, PATIENCE)
    agent.wait_for(lambda status: status["connections"] > len(waiting))
    agent.ctl("-p", PROFILES[0], "token", "--refresh").ok()
    assert agent.refreshes(GROUPS) == 1 and globus.count("my_groups") == CONNECTIONS_HOST_MAX
    globus.faults.clear()
    for each in waiting:
        finish(each)
