"""No request of ours goes to an address nobody agreed to, whatever a hospital's answer names: one row for each way.

A stranger listens on another origin and must have heard nothing. The hospital itself is trusted, and bent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from fhir.chart import FhirChart
from fhir.errors import ChartError
from launch import discovery, signatures, style
from launch.asking import introspect, revoke
from launch.authorize import begin, complete
from launch.backend import backend_session
from launch.discovery import discover
from launch.errors import LaunchError
from launch.issuers import Issuer
from launch.keys import Keys
from launch.outbound import Outbound
from launch.style import fetch_style
from launch.tokens import open_session
from tests.unit.launch_authority import NOW, Authority

CALLBACK = "https://app.example.org/callback"
TOKEN = {"access_token": "access-0", "refresh_token": "refresh-0", "patient": "p1"}


class Bent:
    """A hospital that names addresses of a stranger, and short ways to do what we do with it."""

    def __init__(self, here: Authority, stranger: Authority, keys: Keys) -> None:
        self.here, self.stranger, self.keys = here, stranger, keys
        self.http = Outbound(practice=True)

    def issuer(self, **more: Any) -> Issuer:
        scopes = ("openid", "fhirUser", "user/Patient.rs")
        return Issuer(**{"iss": self.here.iss, "client_id": "our-app", "scopes": scopes, "auth": "none", **more})

    def launch(self, **more: Any) -> None:
        issuer = self.issuer(**more)
        begun = begin(issuer, launch="x", redirect_uri=CALLBACK, http=self.http, now=NOW)
        back = self.here.browser_follows(begun.url)
        complete(issuer, begun.pending, back, keys=self.keys, http=self.http, now=NOW)

    def chart(self) -> FhirChart:
        self.here.valid.add("access-0")
        tools = {"keys": None, "http": self.http, "now": NOW}
        return FhirChart(self.here.iss, open_session(self.issuer(), f"{self.here.url}/oauth2/token", TOKEN, **tools))

    def sends_to_stranger(self, path: str, status: int = 302, to: str = "/x") -> None:
        self.here.answers[path] = [(status, {"Location": f"{self.stranger.url}{to}"}, b"")]

    def only_here(self) -> dict[str, Any]:
        """What the operator allows: this hospital's own origin."""
        return {"origins": (self.here.url,)}


def names(**members: str) -> Callable[[Bent], None]:
    """The configuration names the stranger for these members, and the operator allows this hospital alone."""

    def bend(bent: Bent) -> None:
        bent.here.configuration_changes = {name: f"{bent.stranger.url}{path}" for name, path in members.items()}
        issuer = bent.issuer(**bent.only_here())
        with suppress(LaunchError):
            bent.launch(**bent.only_here())
        found = discover(issuer.iss, http=bent.http, client_id=issuer.client_id, allowed=issuer.origins)
        for ask in (introspect, revoke):
            with suppress(LaunchError):
                ask(issuer, found, TOKEN, keys=None, http=bent.http, now=NOW)

    return bend


def redirects(path: str, act: Callable[[Bent], Any], status: int = 302, to: str = "/x") -> Callable[[Bent], None]:
    def bend(bent: Bent) -> None:
        bent.sends_to_stranger(path, status, to)
        act(bent)

    return bend


def next_link(bent: Bent) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "next", "url": f"{bent.stranger.iss}/ImagingStudy?page=2"}],
        "entry": [{"resource": {"resourceType": "ImagingStudy", "id": "1"}}],
    }
    bent.here.answers["/fhir/ImagingStudy"] = [(200, {}, bundle)]
    page = bent.chart().search("ImagingStudy", patient="p1")
    assert len(page.entries) == 1
    assert page.notes


def study_with_an_endpoint(bent: Bent) -> None:
    """An Endpoint is named to people and never asked by us with the chart's token."""
    from fhir.study import read_imaging_study

    study = {
        "resourceType": "ImagingStudy",
        "id": "1",
        "contained": [{"resourceType": "Endpoint", "id": "e", "address": f"{bent.stranger.url}/dicomweb"}],
        "endpoint": [{"reference": "#e"}, {"reference": f"{bent.stranger.iss}/Endpoint/1"}],
    }
    bent.here.answers["/fhir/ImagingStudy/1"] = [(200, {}, study)]
    read_imaging_study(bent.chart().read("ImagingStudy/1"))
    with pytest.raises(ChartError):
        bent.chart().read(f"{bent.stranger.iss}/Endpoint/1")


def written_elsewhere(bent: Bent) -> None:
    """A write that is sent on is not sent again there: the words of the opinion would go with it."""
    bent.sends_to_stranger("/fhir/DocumentReference", 307, "/fhir/DocumentReference")
    content = {"attachment": {"contentType": "text/plain", "data": "eA=="}}
    bent.chart().create({"resourceType": "DocumentReference", "status": "current", "content": [content]})


def issuer_elsewhere(bent: Bent) -> None:
    """An id_token that names the stranger as its issuer does not make us ask the stranger."""
    bent.here.configuration_changes = {"issuer": None, "jwks_uri": None}
    bent.here.claims_changes = {"iss": f"{bent.stranger.url}/oauth2"}
    bent.launch()


def key_set_named_by_a_token(bent: Bent) -> None:
    token = bent.here.id_token(header={"jku": f"{bent.stranger.url}/keys", "x5u": f"{bent.stranger.url}/x", "kid": "z"})
    bent.here.token_changes = {"id_token": token}
    bent.launch()


def our_own_key(bent: Bent) -> None:
    bent.here.configuration_changes = {"token_endpoint": f"{bent.stranger.url}/oauth2/token"}
    issuer = Issuer(bent.here.iss, "backend", ("system/*.rs",), audience="system", **bent.only_here())
    backend_session(issuer, keys=bent.keys, http=bent.http, now=NOW).get(f"{bent.here.iss}/Patient/p1")


def style_of(url: Callable[[Bent], str]) -> Callable[[Bent], None]:
    return lambda bent: _no_style(bent, url(bent))


def _no_style(bent: Bent, url: str) -> None:
    assert fetch_style(url, http=bent.http, origins=(bent.here.iss,)) == style.NOTHING


def patient(bent: Bent) -> Any:
    return bent.chart().read("Patient/p1")


def launch(bent: Bent) -> Any:
    return bent.launch()


WELL_KNOWN = "/fhir/.well-known/smart-configuration"
WAYS: dict[str, Callable[[Bent], Any]] = {
    "the configuration sends us on": redirects(WELL_KNOWN, launch, to=WELL_KNOWN),
    "the configuration is missing and the metadata sends us on": lambda bent: (
        bent.here.answers.update({WELL_KNOWN: [(404, {}, b"")]}),
        redirects("/fhir/metadata", launch, to="/fhir/metadata")(bent),
    ),
    "the configuration names another token endpoint": names(token_endpoint="/oauth2/token"),
    "the configuration names another key set": names(jwks_uri="/keys"),
    "the configuration names another introspection": names(introspection_endpoint="/oauth2/introspect"),
    "the configuration names another revocation": names(revocation_endpoint="/oauth2/revoke"),
    "our own key is asked for elsewhere": our_own_key,
    "the token endpoint sends the code on": redirects("/oauth2/token", launch, 307, "/oauth2/token"),
    "the token endpoint sends us on as a read": redirects("/oauth2/token", launch, 303),
    "the key set sends us on": redirects("/keys", launch, to="/keys"),
    "the id_token names a key set": key_set_named_by_a_token,
    "the id_token names another issuer": issuer_elsewhere,
    "the chart sends a read on": redirects("/fhir/Patient/p1", patient, to="/fhir/Patient/p1"),
    "the chart sends a read on for good": redirects("/fhir/Patient/p1", patient, 308, "/fhir/Patient/p1"),
    "the chart sends a write on": written_elsewhere,
    "a search names its next page elsewhere": next_link,
    "an attachment lies elsewhere": lambda bent: bent.chart().read_binary(f"{bent.stranger.iss}/Binary/1"),
    "an attachment lies elsewhere, without a scheme": lambda bent: bent.chart().read_binary(
        f"{bent.stranger.iss.removeprefix('http:')}/Binary/1"
    ),
    "an attachment sends us on": redirects("/fhir/Binary/1", lambda bent: bent.chart().read_binary("Binary/1")),
    "a reference is absolute and elsewhere": lambda bent: bent.chart().read(f"{bent.stranger.iss}/Patient/1"),
    "a study has its endpoint elsewhere": study_with_an_endpoint,
    "the style lies elsewhere": style_of(lambda bent: f"{bent.stranger.url}/style.json"),
    "the style sends us on": redirects("/style.json", style_of(lambda bent: f"{bent.here.url}/style.json")),
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.create(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def bent(keys: Keys) -> Iterator[Bent]:
    for kept in (discovery, signatures, style):
        kept.forget()
    with Authority() as here, Authority() as stranger:
        yield Bent(here, stranger, keys)


@pytest.mark.parametrize("way", WAYS)
def test_the_stranger_hears_nothing(bent: Bent, way: str) -> None:
    with suppress(LaunchError, ChartError):
        WAYS[way](bent)
    assert bent.stranger.seen == []
    assert bent.here.seen or "style lies" in way or "attachment lies" in way or "absolute" in way


def test_without_a_list_the_hospitals_own_word_counts(bent: Bent) -> None:
    """Else the rows above prove nothing: a stranger is asked where the operator leaves it to the hospital."""
    bent.here.configuration_changes = {"jwks_uri": f"{bent.stranger.url}/keys"}
    with suppress(LaunchError):
        bent.launch()
    assert [seen.path for seen in bent.stranger.seen][:1] == ["/keys"]
