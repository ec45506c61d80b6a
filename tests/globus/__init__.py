"""A stand-in of Globus on this machine: Globus Auth and Globus Groups over HTTPS, for tests and demonstrations.

    with Globus() as globus:
        code = globus.approve(authorize_url)            # what a person does in the browser
        globus.faults.my_groups.answer(503, times=2)    # what Globus does on a bad day
        globus.wait_for(lambda: globus.count("my_groups") == 3, seconds=5)

It enforces what Globus enforces, answers in Globus's shapes, and writes down every request. Where the
behaviour of the real service is not known, it takes the strict side.
"""

from .browser import AuthorizeRefused
from .faults import MISSING, UNTOUCHED, Line
from .listing import NASTY_NAMES
from .scopes import AUTH, GROUPS, VIEW_MY_GROUPS
from .standin import TUTORIAL_CLIENT, Globus
from .wire import http_date

__all__ = ["AUTH", "GROUPS", "MISSING", "NASTY_NAMES", "TUTORIAL_CLIENT", "UNTOUCHED", "VIEW_MY_GROUPS",
           "AuthorizeRefused", "Globus", "Line", "http_date"]
