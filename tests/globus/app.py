"""A native app in full view of the wire: every step a call of its own, every answer as it came."""

import base64
import hashlib
import json
import secrets
import ssl
import urllib.error
import urllib.parse
import urllib.request

from .scopes import VIEW_MY_GROUPS
from .standin import TUTORIAL_CLIENT, Globus

SCOPES = f"email openid profile {VIEW_MY_GROUPS}"


class App:
    """Does what the tutorial does. What is `changed` is sent differently, or with None not at all."""

    def __init__(self, globus: Globus, client_id: str = TUTORIAL_CLIENT):
        self.globus = globus
        self.client_id = client_id
        self.verifier = secrets.token_urlsafe(32)
        context = ssl.create_default_context(cafile=globus.ca_file)
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))

    def call(self, url, form=None, bearer=None, basic=None, timeout=10):
        data = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(url, data)
        if bearer:
            request.add_header("Authorization", f"Bearer {bearer}")
        if basic:
            request.add_header("Authorization", "Basic " + base64.b64encode(basic.encode()).decode())
        try:
            answer = self.opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            return Answer(answer.status, answer.headers, answer.read())

    def authorize_url(self, **changed):
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=")
        query = {
            "client_id": self.client_id, "redirect_uri": self.globus.auth_code_url, "scope": SCOPES,
            "state": "_default", "response_type": "code", "code_challenge": challenge.decode(),
            "code_challenge_method": "S256", "access_type": "offline"} | changed
        return f"{self.globus.auth_url}v2/oauth2/authorize?{urllib.parse.urlencode(_given(query))}"

    def exchange(self, code, **changed):
        form = {"client_id": self.client_id, "grant_type": "authorization_code", "code": code,
                "code_verifier": self.verifier, "redirect_uri": self.globus.auth_code_url} | changed
        return self.auth("v2/oauth2/token", _given(form))

    def login(self, user=None, **changed):
        """The tokens by resource server."""
        answer = self.exchange(self.globus.approve(self.authorize_url(**changed), user))
        assert answer.status == 200, answer.body
        return {tokens["resource_server"]: tokens
                for tokens in [answer.document, *answer.document["other_tokens"]]}

    def refresh(self, refresh_token, **changed):
        form = {"refresh_token": refresh_token, "grant_type": "refresh_token", "client_id": self.client_id}
        return self.auth("v2/oauth2/token", _given(form | changed))

    def my_groups(self, bearer, query="", timeout=10):
        return self.call(f"{self.globus.groups_url}v2/groups/my_groups{query}", bearer=bearer, timeout=timeout)

    def auth(self, path, form=None, **how):
        return self.call(f"{self.globus.auth_url}{path}", form, **how)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def document(self):
        assert self.headers["Content-Type"] == "application/json", self.headers
        return json.loads(self.body)


def _given(parameters):
    return {name: value for name, value in parameters.items() if value is not None}
