"""Globus may speak HTTP/2, where an answer comes in frames."""

import json

import pytest

from globus.http2 import Http2

GROUP = {"id": "5e0c1c1e-0f5c-4f7e-9a43-2a8f9c1b7d10", "name": "n" * 900}


@pytest.mark.parametrize("frame", [1000, 9000, 16384])
@pytest.mark.parametrize("groups", [1, 3, 50, 5000])
def test_listing(stopped_agent, groups, frame):
    """However long it is, and wherever it is cut: it comes whole, and at once."""
    agent = stopped_agent
    body = json.dumps([GROUP] * groups).encode()
    with Http2(agent.globus.server_context(), body, frame) as server:
        agent.home.configure(agent.settings | {"groups_url": server.url})
        agent.start()
        agent.login()
        for _ in range(2):
            listing = agent.ctl("--timeout", "20", "groups", "--max-age", "0").ok()
            assert listing.out.count(GROUP["id"]) == groups
        assert server.answered == 2
