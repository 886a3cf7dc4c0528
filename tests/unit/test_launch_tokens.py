"""A token at work: renewed once, kept at once, sent to its own chart only; and our own key to a chart."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
import requests

from launch import discovery, signatures
from launch.backend import backend_session
from launch.errors import GrantEnded, LaunchRefused, TokenUnavailable, UnsafeAddress
from launch.issuers import Issuer
from launch.keys import Keys
from launch.outbound import Outbound
from launch.tokens import open_session
from launch.vault import Vault
from tests.unit.launch_authority import NOW, Authority


@dataclass
class Clock:
    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Kept:
    """The store of one line's token."""

    token: dict = field(default_factory=dict)
    writes: int = 0

    def write(self, token: dict) -> None:
        self.token = token
        self.writes += 1

    def read(self) -> dict:
        return self.token


@pytest.fixture
def authority() -> Iterator[Authority]:
    discovery.forget()
    signatures.forget()
    with Authority() as authority:
        authority.valid.add("access-0")
        yield authority


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.create(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept() -> Kept:
    at = int(NOW.timestamp())
    return Kept(
        {
            "access_token": "access-0",
            "token_type": "Bearer",
            "refresh_token": "refresh-0",
            "expires_in": 3600,
            "expires_at": at + 3600,
            "patient": "p1",
            "id_token": "old",
        }
    )


def session_of(authority: Authority, kept: Kept, clock: Clock, **changes: object) -> requests.Session:
    issuer = Issuer(authority.iss, "our-app", auth="none")
    fields = {"keys": None, "http": Outbound(practice=True), "now": clock, "on_update": kept.write, "reread": kept.read}
    return open_session(issuer, f"{authority.url}/oauth2/token", dict(kept.token), **{**fields, **changes})


def test_a_living_token_signs_and_is_left_alone(authority: Authority, kept: Kept, clock: Clock) -> None:
    session = session_of(authority, kept, clock)
    clock.at += timedelta(minutes=58)
    assert session.get(f"{authority.iss}/Patient/p1").ok
    assert authority.seen[-1].headers["authorization"] == "Bearer access-0"
    assert kept.writes == 0


def test_a_token_near_its_end_is_renewed_and_kept_before_it_is_used(
    authority: Authority, kept: Kept, clock: Clock
) -> None:
    session = session_of(authority, kept, clock)
    clock.at += timedelta(minutes=59, seconds=30)
    assert session.get(f"{authority.iss}/Patient/p1").ok
    sent = authority.requests_to("/oauth2/token")[0].form
    assert sent == {"grant_type": "refresh_token", "refresh_token": "refresh-0", "client_id": "our-app"}
    assert kept.token["access_token"] == "access-1"
    assert kept.token["refresh_token"] == "refresh-1"
    assert kept.token["expires_at"] == int(clock.at.timestamp()) + 3600
    assert "id_token" not in kept.token


def test_a_renewal_without_a_new_refresh_token_keeps_the_old_one_and_the_context(
    authority: Authority, kept: Kept, clock: Clock
) -> None:
    """Oracle sends one refresh token for good; SMART lets a renewal leave the context out."""
    authority.token_changes = {"refresh_token": None, "patient": None, "scope": None, "expires_in": None}
    session = session_of(authority, kept, clock)
    clock.at += timedelta(hours=2)
    session.get(f"{authority.iss}/Patient/p1")
    assert kept.token["refresh_token"] == "refresh-0"
    assert kept.token["patient"] == "p1"
    assert "expires_at" not in kept.token
    assert session.get(f"{authority.iss}/Patient/p1").ok
    assert kept.writes == 1, "a token without an end is not renewed at each request"


def test_a_renewal_that_names_another_patient_ends_the_grant(authority: Authority, kept: Kept, clock: Clock) -> None:
    """Context is fixed for a token; a chart that switched must be launched again."""
    authority.token_changes = {"patient": "p2"}
    session = session_of(authority, kept, clock)
    clock.at += timedelta(hours=2)
    with pytest.raises(GrantEnded, match="another patient"):
        session.get(f"{authority.iss}/Patient/p1")
    assert kept.writes == 0


def test_a_token_revoked_early_is_renewed_once_after_a_401(authority: Authority, kept: Kept, clock: Clock) -> None:
    session = session_of(authority, kept, clock)
    authority.valid.clear()
    assert session.get(f"{authority.iss}/Patient/p1").ok
    assert kept.token["access_token"] == "access-1"


def test_a_write_refused_by_401_is_sent_again_with_the_same_body(
    authority: Authority, kept: Kept, clock: Clock
) -> None:
    """RFC 9110 section 15.5.2: a 401 has not been applied, so nothing is written twice."""
    session = session_of(authority, kept, clock)
    authority.valid.clear()
    assert session.post(f"{authority.iss}/DocumentReference", data=b'{"a": 1}').ok
    assert [seen.body for seen in authority.requests_to("/fhir/DocumentReference")] == [b'{"a": 1}'] * 2


def test_a_chart_that_goes_on_answering_401_is_asked_twice_and_no_more(
    authority: Authority, kept: Kept, clock: Clock
) -> None:
    authority.answers["/fhir/Patient/p1"] = [(401, {}, b"")] * 5
    assert session_of(authority, kept, clock).get(f"{authority.iss}/Patient/p1").status_code == 401
    assert len(authority.requests_to("/fhir/Patient/p1")) == 2


def test_only_invalid_grant_ends_a_grant(authority: Authority, kept: Kept, clock: Clock) -> None:
    """A server in trouble must not throw a clinician out of the chart."""
    session = session_of(authority, kept, clock)
    clock.at += timedelta(hours=2)
    for status, body, expected in (
        (500, b"", TokenUnavailable),
        (429, b"", TokenUnavailable),
        (401, {"error": "invalid_client"}, TokenUnavailable),
        (400, {"error": "invalid_grant"}, GrantEnded),
    ):
        authority.answers["/oauth2/token"] = [(status, {}, body)]
        with pytest.raises(expected) as caught:
            session.get(f"{authority.iss}/Patient/p1")
        assert type(caught.value) is expected
    assert session.get(f"{authority.iss}/Patient/p1").ok, "the refresh token was not thrown away"


def test_a_token_server_in_trouble_is_no_trouble_while_the_token_lives(
    authority: Authority, kept: Kept, clock: Clock
) -> None:
    session = session_of(authority, kept, clock)
    clock.at += timedelta(minutes=59, seconds=30)
    authority.answers["/oauth2/token"] = [(503, {}, b"")]
    assert session.get(f"{authority.iss}/Patient/p1").ok


def test_without_a_refresh_token_the_token_is_used_to_its_last_second(
    authority: Authority, kept: Kept, clock: Clock
) -> None:
    del kept.token["refresh_token"]
    session = session_of(authority, kept, clock, reread=None)
    clock.at += timedelta(minutes=59, seconds=59)
    assert session.get(f"{authority.iss}/Patient/p1").ok
    clock.at += timedelta(seconds=2)
    with pytest.raises(GrantEnded):
        session.get(f"{authority.iss}/Patient/p1")


def test_eight_requests_at_once_spend_one_refresh_token(authority: Authority, kept: Kept, clock: Clock) -> None:
    """Each request opens a session of its own; a rotating refresh token spent twice ends the grant."""
    clock.at += timedelta(hours=2)
    sessions = [session_of(authority, kept, clock) for _ in range(8)]
    start = threading.Barrier(8)
    answers: list[int] = []

    def ask(session: requests.Session) -> None:
        start.wait()
        answers.append(session.get(f"{authority.iss}/Patient/p1").status_code)

    threads = [threading.Thread(target=ask, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 8
    assert len(authority.requests_to("/oauth2/token")) == 1


def test_a_refresh_token_spent_by_another_process_is_no_end(authority: Authority, kept: Kept, clock: Clock) -> None:
    """The other process has kept its token: that is ours too."""
    authority.valid.add("theirs")
    elsewhere = {**kept.token, "access_token": "theirs", "expires_at": int(NOW.timestamp()) + 9000}
    looks = iter([dict(kept.token), dict(kept.token), elsewhere])
    session = session_of(authority, kept, clock, reread=lambda: next(looks))
    clock.at += timedelta(hours=2)
    authority.answers["/oauth2/token"] = [(400, {}, {"error": "invalid_grant"})]
    assert session.get(f"{authority.iss}/Patient/p1").ok
    assert authority.seen[-1].headers["authorization"] == "Bearer theirs"


def test_two_processes_that_renew_at_once_both_go_on(
    authority: Authority, kept: Kept, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a lock between them one spends the refresh token; the other finds what the first one kept."""
    monkeypatch.setattr("launch.tokens._lock_of", lambda *_: nullcontext())
    clock.at += timedelta(hours=2)
    start = threading.Barrier(2)
    answers: list[int] = []

    def slowly(token: dict) -> None:
        time.sleep(0.3)
        kept.write(token)

    def ask(session: requests.Session) -> None:
        start.wait()
        answers.append(session.get(f"{authority.iss}/Patient/p1").status_code)

    processes = [
        threading.Thread(target=ask, args=(session_of(authority, kept, clock, on_update=slowly),)) for _ in "ab"
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert answers == [200, 200]
    assert kept.writes == 1
    assert len(authority.requests_to("/oauth2/token")) == 2


def test_nobodys_cookies_are_kept(authority: Authority) -> None:
    """One session serves many people."""
    authority.answers["/a"] = [(200, {"Set-Cookie": "who=me"}, {}), (200, {}, {})]
    http = Outbound(practice=True)
    http.get(f"{authority.url}/a")
    http.get(f"{authority.url}/a")
    assert "cookie" not in authority.seen[-1].headers


def test_the_token_goes_to_its_own_chart_only(authority: Authority, kept: Kept, clock: Clock) -> None:
    """A link in a record must not carry the token to another host, nor may a redirect."""
    session = session_of(authority, kept, clock)
    with Authority() as stranger:
        with pytest.raises(UnsafeAddress):
            session.get(f"{stranger.iss}/Patient/p1")
        authority.answers["/fhir/Patient/p1"] = [(302, {"Location": f"{stranger.iss}/x"}, b"")]
        with pytest.raises(UnsafeAddress):
            session.get(f"{authority.iss}/Patient/p1")
        assert stranger.seen == []
        opened = session_of(authority, kept, clock, origins=(stranger.url,))
        opened.get(f"{stranger.iss}/Patient/p1", allow_redirects=False)
        assert len(stranger.seen) >= 1, "a server the chart vouches for takes the token"


def test_a_read_is_repeated_after_a_passing_fault_and_a_write_is_not(
    authority: Authority, kept: Kept, clock: Clock
) -> None:
    session = session_of(authority, kept, clock)
    authority.answers["/fhir/Patient/p1"] = [(503, {"Retry-After": "nonsense"}, b"")]
    assert session.get(f"{authority.iss}/Patient/p1").ok
    for path, answer in (("A", (503, {"Retry-After": "0"}, b"")), ("B", (0, {}, b""))):
        authority.answers[f"/fhir/{path}"] = [answer]
        try:
            assert session.post(f"{authority.iss}/{path}", data=b"{}").status_code == 503
        except requests.ConnectionError:
            assert path == "B"
        assert len(authority.requests_to(f"/fhir/{path}")) == 1


# -- our own key -----------------------------------------------------------------------------------------------


def backend_of(authority: Authority, keys: Keys | None, clock: Clock, **changes: object) -> requests.Session:
    fields = {"iss": authority.iss, "client_id": "our-backend", "scopes": ("system/Patient.rs",), "audience": "system"}
    return backend_session(Issuer(**{**fields, **changes}), keys=keys, http=Outbound(practice=True), now=clock)


def test_the_backend_takes_a_token_with_a_signed_assertion_when_it_is_needed(
    authority: Authority, keys: Keys, clock: Clock
) -> None:
    """SMART Backend Services: client_credentials, private_key_jwt, system scopes."""
    authority.client_keys = keys.jwks()
    session = backend_of(authority, keys, clock)
    assert authority.requests_to("/oauth2/token") == []
    assert session.get(f"{authority.iss}/Patient/p1").ok
    assert session.get(f"{authority.iss}/Patient/p1").ok
    (sent,) = (seen.form for seen in authority.requests_to("/oauth2/token"))
    assert sent["grant_type"] == "client_credentials"
    assert sent["scope"] == "system/Patient.rs"


def test_the_backend_takes_a_new_token_before_the_end_and_after_a_401_each_with_a_fresh_jti(
    authority: Authority, keys: Keys, clock: Clock
) -> None:
    authority.client_keys = keys.jwks()
    authority.token_changes = {"expires_in": 300, "refresh_token": None}
    session = backend_of(authority, keys, clock)
    session.get(f"{authority.iss}/Patient/p1")
    clock.at = authority.now = NOW + timedelta(seconds=250)
    session.get(f"{authority.iss}/Patient/p1")
    assert authority.seen[-1].headers["authorization"] == "Bearer access-2"
    authority.valid.clear()
    assert session.get(f"{authority.iss}/Patient/p1").ok
    assert len(authority.used_jtis) == 3


def test_the_backend_says_which_scopes_it_was_given(authority: Authority, keys: Keys, clock: Clock) -> None:
    """An EHR may ignore the scopes asked and answer in the older spelling."""
    authority.token_changes = {"scope": "system/Patient.read"}
    assert backend_of(authority, keys, clock).granted() == ("system/Patient.read",)


def test_a_backend_with_a_secret_and_a_backend_that_is_not_known(authority: Authority, clock: Clock) -> None:
    session = backend_of(authority, None, clock, auth="client_secret_basic", client_secret="s")
    assert session.get(f"{authority.iss}/Patient/p1").ok
    authority.valid.clear()
    authority.answers["/oauth2/token"] = [(401, {}, {"error": "invalid_client"})]
    with pytest.raises(LaunchRefused) as caught:
        session.get(f"{authority.iss}/Patient/p1")
    assert caught.value.reason == "invalid_client"
    assert session.get(f"{authority.iss}/Patient/p1").ok, "a refusal is not the end of the session"


# -- the vault -------------------------------------------------------------------------------------------------


def test_the_vault_opens_what_it_sealed_and_shows_nothing_meanwhile() -> None:
    vault = Vault("a" * 40)
    long = "token" * 20000
    sealed = vault.seal(long)
    assert vault.open(sealed) == long
    assert "token" not in sealed
    assert vault.seal("x") != vault.seal("x")


def test_a_changed_secret_opens_the_old_until_it_is_dropped() -> None:
    sealed = Vault("old" * 12).seal("token")
    assert Vault("new" * 12, "old" * 12).open(sealed) == "token"
    with pytest.raises(GrantEnded):
        Vault("new" * 12).open(sealed)


def test_a_sealed_token_that_was_touched_is_refused() -> None:
    vault = Vault("a" * 40)
    sealed = vault.seal("token")
    for touched in (sealed[:-2] + "AA", "", "ü", sealed[10:]):
        with pytest.raises(GrantEnded):
            vault.open(touched)
