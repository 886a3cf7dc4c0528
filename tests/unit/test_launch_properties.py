"""Whatever a server says, a launch ends in a grant or in an error of our own family: no crash, no call elsewhere."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

from launch import discovery, signatures, style
from launch.asking import read_introspection
from launch.authorize import Pending, begin, complete
from launch.capability import as_configuration
from launch.client import read_token, refusal
from launch.context import LaunchContext, local_reference, read_context, user_kind
from launch.discovery import Configuration, discover, read_configuration
from launch.documents import LONGEST, SHORTEST, lifetimes
from launch.errors import LaunchError
from launch.identity import verify
from launch.issuers import Issuer, Issuers
from launch.outbound import Outbound, check_address, origin
from launch.scopes import covers, gaps, granted_scopes, missing_scopes
from launch.style import read_style
from tests.unit.launch_replay import CALLBACK, NOW

ISS = "https://ehr.example.org/fhir"
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
ADDRESSES = st.sampled_from(
    [
        *("https://ehr.example.org/x", "/x", "x", "../x", "//evil.example/x", "https://10.0.0.1/x", "http://[::1"),
        *("https://user:pass@ehr.example.org/", "ftp://x", "https://ehr.example.org:99999/", "javascript:0", "?", "#"),
        *(
            "https://169.254.169.254/",
            "https://127.1/",
            "https://ehr.example.org\t/",
            "https://exa mple/",
            "https://é/",
        ),
    ]
)
SCOPE_LIKE = st.sampled_from(
    ["user/Patient.rs", "patient/*.read", "user/*.*", "launch", "openid", "user/Patient.rs?a=b", "/.", "user/X.$y", ""]
) | st.text(string.printable, max_size=12)


def documents(*members: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have these members more often than not, of the right kind more often than not."""
    named = st.dictionaries(st.sampled_from(members), JSON | ADDRESSES | SCOPE_LIKE, max_size=len(members))
    return st.builds(lambda some, more: {**more, **some}, named, st.dictionaries(st.text(max_size=6), JSON, max_size=2))


DISCOVERY = documents(
    *("issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "introspection_endpoint", "capabilities"),
    *("revocation_endpoint", "scopes_supported", "token_endpoint_auth_methods_supported"),
    *("id_token_signing_alg_values_supported", "token_endpoint_auth_signing_alg_values_supported"),
    "authorization_response_iss_parameter_supported",
)
TOKEN = documents(
    *("access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token", "patient", "encounter"),
    *("need_patient_banner", "smart_style_url", "intent", "tenant", "appointment", "fhirContext", "fhirUser"),
    *("error", "error_description", "error_uri", "state", "expires_at"),
)


def answered(body: Any, status: int = 200) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return response


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    for kept in (discovery, signatures, style):
        kept.forget()
    yield
    for kept in (discovery, signatures, style):
        kept.forget()


# -- one document ------------------------------------------------------------------------------------------------------


@QUICK
@given(raw=DISCOVERY, inside=st.booleans())
def test_any_discovery_document(raw: dict[str, Any], inside: bool) -> None:
    """Every endpoint that comes out may be called."""
    allowed = frozenset({origin(ISS)}) if inside else frozenset()
    with suppress(LaunchError):
        found = read_configuration(ISS, f"{ISS}/.well-known/x", raw, allowed=allowed)
        assert found.token_endpoint
        for url in (found.token_endpoint, found.authorization_endpoint, found.jwks_uri, found.introspection_endpoint):
            assert not url or check_address(url, practice=False)
            assert not url or not allowed or origin(url) in allowed
        for words in (found.capabilities, found.scopes, found.auth_methods, found.signing_algs):
            assert all(isinstance(word, str) and word for word in words)


@QUICK
@given(body=st.binary(max_size=200) | JSON.map(lambda j: json.dumps(j).encode()) | st.just(b"<a>"))
def test_any_capability_statement(body: bytes) -> None:
    found = as_configuration(body)
    assert all(isinstance(name, str) and isinstance(uri, str) for name, uri in found.items())


@QUICK
@given(answer=TOKEN | JSON, status=st.integers(100, 599))
def test_any_token_answer(answer: Any, status: int) -> None:
    with suppress(LaunchError):
        token = read_token(answered(answer, status), NOW)
        assert isinstance(token["access_token"], str)
        assert token["token_type"] == "Bearer"
        assert token.get("expires_at", 0) >= 0
        assert isinstance(token.get("refresh_token", ""), str)
        context = read_context(token)
        assert not {"access_token", "refresh_token", "id_token", "state"} & context.raw.keys()
        for value in (context.patient, context.encounter):
            assert value is None or not set("/?#&% ") & set(value)
        context.references("ImagingStudy", ISS)
        context.identifiers("ImagingStudy")
        assert isinstance(context.need_patient_banner, bool)
        assert user_kind(context.fhir_user) or context.fhir_user is None


@QUICK
@given(answer=JSON, status=st.integers(100, 599))
def test_any_introspection(answer: Any, status: int) -> None:
    with suppress(LaunchError):
        assert isinstance(read_introspection(answered(answer, status)).active, bool)


@QUICK
@given(error=JSON, description=JSON, page=JSON | ADDRESSES)
def test_any_refusal_is_one_bearable_line(error: Any, description: Any, page: Any) -> None:
    refused = refusal(error, description, page, "status_400")
    assert "\n" not in str(refused)
    assert len(str(refused)) < 500
    assert refused.error_uri is None or refused.error_uri.startswith(("http://", "https://"))


@QUICK
@given(value=JSON | ADDRESSES | st.text(max_size=40))
def test_any_reference_is_local_or_nothing(value: Any) -> None:
    found = local_reference(value, ISS)
    assert not found or found.count("/") == 1


@QUICK
@given(document=documents("color_text", "color_background", "dim_border_radius", "dim_font_size"))
def test_any_style_ends_in_nothing_but_plain_values(document: dict[str, Any]) -> None:
    for value in vars(read_style(document)).values():
        assert not value or set(value) <= set("#0123456789abcdef.pxrem")


# -- scopes ------------------------------------------------------------------------------------------------------------


@QUICK
@given(asked=st.lists(SCOPE_LIKE, max_size=5), scope=JSON | st.lists(SCOPE_LIKE, max_size=5) | SCOPE_LIKE)
def test_any_scope_is_compared(asked: list[str], scope: Any) -> None:
    """What is missing is a part of what was asked, and gaps name just that."""
    granted = granted_scopes({"scope": scope}, asked)
    missing = missing_scopes(asked, granted)
    assert set(missing) <= set(asked)
    assert tuple(gap.scope for gap in gaps(asked, granted)) == missing
    assert all(set(gap.letters) <= set("cruds") for gap in gaps(asked, granted))


@QUICK
@given(asked=st.lists(SCOPE_LIKE, max_size=5), more=st.lists(SCOPE_LIKE, max_size=5))
def test_what_is_granted_whole_is_not_missing_and_more_takes_nothing_away(asked: list[str], more: list[str]) -> None:
    assert missing_scopes(asked, asked) == ()
    assert set(missing_scopes(asked, more)) >= set(missing_scopes(asked, [*more, *asked]))
    for one in asked:
        assume(one)
        assert covers([*asked, *more], one)


@QUICK
@given(
    level=st.sampled_from(["user", "patient", "system"]),
    kind=st.sampled_from(["Patient", "ImagingStudy", "*"]),
    letters=st.sets(st.sampled_from("cruds"), min_size=1),
    given_letters=st.sets(st.sampled_from("cruds"), min_size=1),
)
def test_version_2_letters_are_a_set(level: str, kind: str, letters: set[str], given_letters: set[str]) -> None:
    def ordered(some: set[str]) -> str:
        return "".join(letter for letter in "cruds" if letter in some)

    wanted, have = f"{level}/{kind}.{ordered(letters)}", f"{level}/{kind}.{ordered(given_letters)}"
    assert covers([have], wanted) is (letters <= given_letters)
    if not letters <= given_letters:
        assert gaps([wanted], [have])[0].letters == ordered(letters - given_letters)


# -- addresses, lifetimes, issuers -------------------------------------------------------------------------------------


@QUICK
@given(url=st.text(max_size=40) | ADDRESSES)
def test_any_address_is_judged(url: str) -> None:
    with suppress(LaunchError):
        assert check_address(url, practice=False).startswith(("https:", "HTTPS:", "Https:"))


@QUICK
@given(iss=st.text(max_size=40) | ADDRESSES | st.just(ISS + "/"))
def test_any_issuer_is_known_or_not(iss: str) -> None:
    with suppress(LaunchError):
        assert Issuers([Issuer(ISS, "app", auth="none")]).trusted(iss).iss.rstrip("/") == ISS


@QUICK
@given(headers=st.dictionaries(st.sampled_from(["Cache-Control", "Age", "Expires", "Date"]), st.text(max_size=30)))
def test_any_cache_header_ends_in_a_bearable_time(headers: dict[str, str]) -> None:
    fresh, bears = lifetimes(headers)
    assert SHORTEST <= fresh <= LONGEST
    assert 0 <= bears <= LONGEST


# -- a whole launch ----------------------------------------------------------------------------------------------------


class Anything:
    """A network on which every address of one host answers with the next thing drawn."""

    def __init__(self, answers: list[tuple[int, Any]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, _: HTTPAdapter, request: requests.PreparedRequest, **__: Any) -> requests.Response:
        self.asked.append(str(request.url))
        status, body = self.answers[len(self.asked) % len(self.answers)]
        response = answered(body, status)
        response.raw = BytesIO(response._content)
        response._content = False
        response._content_consumed = False
        response.url, response.request = str(request.url), request
        return response


GOOD = {
    "issuer": ISS,
    "jwks_uri": f"{ISS}/keys",
    "authorization_endpoint": f"{ISS}/authorize",
    "token_endpoint": f"{ISS}/token",
}
ANSWERS = st.lists(
    st.tuples(st.sampled_from([200, 200, 200, 304, 400, 401, 404, 500]), DISCOVERY | TOKEN | st.just(GOOD)),
    min_size=1,
    max_size=4,
)


@QUICK
@given(answers=ANSWERS, back=st.dictionaries(st.sampled_from(["code", "error", "iss"]), st.text(max_size=9)))
def test_any_server_there_and_back(answers: list[tuple[int, Any]], back: dict[str, str]) -> None:
    """Discovery, the sign-in, the token and the keys: whatever comes, and however it comes back."""
    discovery.forget()
    signatures.forget()
    issuer = Issuer(ISS, "app", ("openid", "fhirUser"), auth="none")
    network = Anything(answers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HTTPAdapter, "send", lambda adapter, request, **more: network(adapter, request, **more))
        http = Outbound()
        with suppress(LaunchError):
            begun = begin(issuer, launch="x", redirect_uri=CALLBACK, http=http, now=NOW)
            assert urlsplit(begun.url).scheme == "https"
            pending = Pending.from_json(begun.pending.to_json())
            grant = complete(issuer, pending, {**back, "state": pending.state}, keys=None, http=http, now=NOW)
            assert isinstance(grant.context, LaunchContext)
        with suppress(LaunchError):
            assert isinstance(discover(ISS, http=http), Configuration)
    assert {urlsplit(url).scheme for url in network.asked} <= {"https"}


def as_part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@QUICK
@given(
    token=st.text(max_size=60)
    | st.tuples(documents("alg", "kid", "typ", "crit", "b64"), documents("iss", "aud", "exp"), st.text(max_size=9)).map(
        lambda parts: f"{as_part(parts[0])}.{as_part(parts[1])}.{parts[2]}"
    )
)
def test_any_id_token_is_refused_by_name(token: str) -> None:
    """None of them is signed, so none of them may pass."""
    signatures.forget()
    configuration = Configuration(ISS, f"{ISS}/token", issuer=ISS, jwks_uri=f"{ISS}/keys")
    network = Anything([(200, {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}, 5, {"kty": "oct", "k": "AA"}]})])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HTTPAdapter, "send", lambda adapter, request, **more: network(adapter, request, **more))
        with pytest.raises(LaunchError):
            verify(token, configuration, client_id="app", nonce=None, http=Outbound(), now=NOW)


@QUICK
@given(text=st.text(max_size=40) | JSON.map(json.dumps) | st.just('{"started_at": "2026-03-05T12:00:00"}'))
def test_any_kept_launch_is_read_or_has_expired(text: str) -> None:
    with suppress(LaunchError):
        Pending.from_json(text)
