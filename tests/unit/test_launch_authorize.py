"""A launch, there and back, against a real server on loopback; and every way it can be tampered with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey

from launch import discovery, signatures
from launch.authorize import Begun, Pending, begin, complete
from launch.errors import (
    DiscoveryFailed,
    IdentityRejected,
    LaunchError,
    LaunchExpired,
    LaunchRefused,
    TokenUnavailable,
    UntrustedIssuer,
)
from launch.issuers import Issuer
from launch.keys import Keys
from launch.outbound import Outbound
from tests.unit.launch_authority import NOW, Authority, signed_by_nobody, signed_with_a_secret

CALLBACK = "https://app.example.org/callback"
SCOPES = ("openid", "fhirUser", "user/Patient.rs", "offline_access")


@pytest.fixture
def authority() -> Iterator[Authority]:
    discovery.forget()
    signatures.forget()
    with Authority() as authority:
        yield authority


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.create(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def http() -> Outbound:
    return Outbound(practice=True)


def issuer_of(authority: Authority, **changes: object) -> Issuer:
    fields = {"iss": authority.iss, "client_id": "our-app", "scopes": SCOPES, "auth": "none"}
    return Issuer(**{**fields, **changes})


def launched(authority: Authority, http: Outbound, **changes: object) -> tuple[Issuer, Begun, dict[str, str]]:
    issuer = issuer_of(authority, **changes)
    begun = begin(issuer, launch="opaque", redirect_uri=CALLBACK, http=http, now=NOW)
    return issuer, begun, authority.browser_follows(begun.url)


def test_an_ehr_launch_sends_everything_the_standard_asks_for(authority: Authority, http: Outbound) -> None:
    """SMART App Launch 2.2: S256, aud as sent, the launch value back, a state of at least 122 random bits."""
    begun = begin(issuer_of(authority), launch="opaque", redirect_uri=CALLBACK, http=http, now=NOW)
    sent = parse_qs(urlsplit(begun.url).query)
    assert begun.url.startswith(f"{authority.url}/oauth2/authorize?")
    assert sent["response_type"] == ["code"]
    assert sent["client_id"] == ["our-app"]
    assert sent["redirect_uri"] == [CALLBACK]
    assert sent["aud"] == [authority.iss]
    assert sent["launch"] == ["opaque"]
    assert sent["code_challenge_method"] == ["S256"]
    assert len(sent["code_challenge"][0]) == 43
    assert sent["scope"] == ["launch openid fhirUser user/Patient.rs offline_access"]
    assert sent["nonce"] == [begun.pending.nonce]
    assert len(sent["state"][0]) >= 43
    assert begun.pending.code_verifier not in begun.url


def test_aud_keeps_the_slash_the_ehr_wrote(authority: Authority, http: Outbound) -> None:
    """Servers compare aud by the letter."""
    issuer = issuer_of(authority, iss=authority.iss + "/")
    begun = begin(issuer, launch="x", redirect_uri=CALLBACK, http=http, now=NOW)
    assert parse_qs(urlsplit(begun.url).query)["aud"] == [authority.iss + "/"]


def test_two_launches_share_no_secret(authority: Authority, http: Outbound) -> None:
    one, other = (begin(issuer_of(authority), launch="x", redirect_uri=CALLBACK, http=http, now=NOW) for _ in "ab")
    for secret in ("state", "nonce", "code_verifier"):
        assert getattr(one.pending, secret) != getattr(other.pending, secret)


def test_a_standalone_launch_asks_for_a_patient_only_where_the_patient_signs_in(
    authority: Authority, http: Outbound
) -> None:
    """A clinician's EHR may refuse launch/patient; a patient portal needs it; neither gets a launch value."""
    for audience, expected in (("patient", True), ("clinician", False)):
        issuer = issuer_of(authority, audience=audience, scopes=("launch", "openid"))
        sent = parse_qs(urlsplit(begin(issuer, launch=None, redirect_uri=CALLBACK, http=http, now=NOW).url).query)
        assert ("launch/patient" in sent["scope"][0].split()) is expected
        assert "launch" not in sent["scope"][0].split()
        assert "launch" not in sent


def test_extra_parameters_cannot_change_ours(authority: Authority, http: Outbound) -> None:
    begun = begin(
        issuer_of(authority),
        launch="x",
        redirect_uri=CALLBACK,
        http=http,
        now=NOW,
        extra={"prompt": "login", "response_type": "token", "state": "mine", "aud": "https://evil.example"},
    )
    sent = parse_qs(urlsplit(begun.url).query)
    assert sent["prompt"] == ["login"]
    assert sent["response_type"] == ["code"]
    assert sent["state"] == [begun.pending.state]
    assert sent["aud"] == [authority.iss]


def test_pending_survives_the_store_and_shows_no_secret_when_printed(authority: Authority, http: Outbound) -> None:
    pending = launched(authority, http)[1].pending
    assert Pending.from_json(pending.to_json()) == pending
    assert pending.code_verifier not in repr(pending)
    with pytest.raises(LaunchExpired):
        Pending.from_json('{"state": 1}')


def test_a_launch_comes_back_as_a_grant_with_context_and_identity(
    authority: Authority, http: Outbound, keys: Keys
) -> None:
    issuer, begun, returned = launched(authority, http)
    grant = complete(issuer, begun.pending, returned, keys=keys, http=http, now=NOW + timedelta(seconds=20))
    assert (grant.context.patient, grant.context.encounter) == ("p1", "e1")
    assert grant.context.need_patient_banner is False
    assert grant.identity is not None
    assert grant.identity.fhir_user == f"{authority.iss}/Practitioner/77"
    assert (grant.identity.sub, grant.identity.name) == ("dr-who", "Alex Reader")
    assert grant.missing == ()
    assert grant.token["expires_at"] == int(NOW.timestamp()) + 20 + 3600
    assert grant.token["access_token"] not in repr(grant)


@pytest.mark.parametrize("alg", ["RS384", "ES384"])
def test_a_confidential_client_proves_itself_with_a_fresh_short_assertion(
    authority: Authority, http: Outbound, keys: Keys, alg: str
) -> None:
    """The server verifies signature, kid, aud, exp within five minutes and that no jti comes twice."""
    authority.client_keys = keys.jwks()
    authority.configuration_changes = {"token_endpoint_auth_signing_alg_values_supported": [alg]}
    for _ in range(2):
        issuer, begun, returned = launched(authority, http, auth="private_key_jwt")
        complete(issuer, begun.pending, returned, keys=keys, http=http, now=NOW)
    sent = authority.requests_to("/oauth2/token")[-1].form
    assert sent["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert "client_id" not in sent
    assert len(authority.used_jtis) == 2


def test_a_client_with_a_secret_uses_basic_and_keeps_the_secret_out_of_the_body(
    authority: Authority, http: Outbound
) -> None:
    issuer, begun, returned = launched(authority, http, auth="client_secret_basic", client_secret="s3cret")
    complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW)
    seen = authority.requests_to("/oauth2/token")[-1]
    assert seen.headers["authorization"] == "Basic b3VyLWFwcDpzM2NyZXQ="
    assert b"s3cret" not in seen.body


def test_a_public_client_names_itself_in_the_body(authority: Authority, http: Outbound) -> None:
    issuer, begun, returned = launched(authority, http)
    complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW)
    seen = authority.requests_to("/oauth2/token")[-1]
    assert seen.form["client_id"] == "our-app"
    assert "authorization" not in seen.headers


def test_an_expert_signs_in_without_a_chart(authority: Authority, http: Outbound) -> None:
    """OpenID Connect: no aud, no launch, PKCE and nonce all the same, and an identity at the end."""
    issuer = issuer_of(authority, iss=authority.issuer, scopes=(), audience="expert")
    begun = begin(issuer, launch=None, redirect_uri=CALLBACK, http=http, now=NOW, openid=True)
    sent = parse_qs(urlsplit(begun.url).query)
    assert sent["scope"] == ["openid profile"]
    assert "aud" not in sent
    assert "code_challenge" in sent
    authority.claims_changes = {"fhirUser": None}
    grant = complete(issuer, begun.pending, authority.browser_follows(begun.url), keys=None, http=http, now=NOW)
    assert grant.identity is not None
    assert (grant.identity.iss, grant.identity.sub) == (authority.issuer, "dr-who")
    assert grant.identity.fhir_user is None


def test_a_sign_in_without_an_id_token_is_none(authority: Authority, http: Outbound) -> None:
    issuer = issuer_of(authority, iss=authority.issuer, scopes=("openid",))
    begun = begin(issuer, launch=None, redirect_uri=CALLBACK, http=http, now=NOW, openid=True)
    returned = authority.browser_follows(begun.url)
    authority.token_changes = {"id_token": None}
    with pytest.raises(IdentityRejected):
        complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW)


def test_a_launch_without_an_id_token_has_no_identity_and_says_what_is_missing(
    authority: Authority, http: Outbound
) -> None:
    authority.token_changes = {"id_token": None, "scope": "launch user/Patient.read", "refresh_token": None}
    issuer, begun, returned = launched(authority, http)
    grant = complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW)
    assert grant.identity is None
    assert grant.missing == ("openid", "fhirUser", "offline_access")


def test_granted_without_being_named_is_not_missing(authority: Authority, http: Outbound) -> None:
    """Epic sends a refresh token without naming offline_access."""
    authority.token_changes = {"scope": "user/Patient.Read openid"}
    issuer, begun, returned = launched(authority, http)
    assert complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW).missing == ()


def test_the_code_goes_to_the_token_endpoint_found_before_the_browser_left(
    authority: Authority, http: Outbound
) -> None:
    """A configuration changed in between cannot lead the code elsewhere."""
    issuer, begun, returned = launched(authority, http)
    discovery.forget()
    authority.configuration_changes = {"token_endpoint": f"{authority.url}/other"}
    complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW)
    assert not authority.requests_to("/other")


# -- tampered launches -----------------------------------------------------------------------------------------

RETURNS = {
    "another state": ({"state": "another"}, 0, LaunchExpired, "not known"),
    "no state": ({"state": None}, 0, LaunchExpired, "not known"),
    "a state cut short": ({"state": "cut"}, 0, LaunchExpired, "not known"),
    "eleven minutes later": ({}, 11, LaunchExpired, "too long"),
    "before it began": ({}, -5, LaunchExpired, "too long"),
    "no code": ({"code": None}, 0, LaunchRefused, "no code"),
    "the person said no": ({"error": "access_denied"}, 0, LaunchRefused, "access_denied"),
    "an error beside a code": ({"error": "server_error", "code": "x"}, 0, LaunchRefused, "server_error"),
    "another server answers": ({"iss": "https://evil.example"}, 0, LaunchRefused, "another server"),
}


@pytest.mark.parametrize("case", RETURNS)
def test_a_tampered_return_is_refused_before_the_code_is_spent(case: str, authority: Authority, http: Outbound) -> None:
    """Nothing is sent to the token endpoint for a return that is not ours."""
    changes, minutes, refusal, words = RETURNS[case]
    issuer, begun, returned = launched(authority, http)
    if changes.get("state") == "cut":
        changes = {"state": returned["state"][:-1]}
    tampered = {name: value for name, value in {**returned, **changes}.items() if value is not None}
    with pytest.raises(refusal, match=words) as caught:
        complete(issuer, begun.pending, tampered, keys=None, http=http, now=NOW + timedelta(minutes=minutes))
    assert type(caught.value) is refusal
    assert begun.pending.state not in str(caught.value)
    assert not authority.requests_to("/oauth2/token")


def test_a_launch_begun_with_one_issuer_cannot_be_completed_with_another(authority: Authority, http: Outbound) -> None:
    _, begun, returned = launched(authority, http)
    with pytest.raises(UntrustedIssuer):
        complete(
            issuer_of(authority, iss="https://other.example"), begun.pending, returned, keys=None, http=http, now=NOW
        )


def test_an_error_page_of_the_ehr_reaches_its_help_desk_and_nothing_else_does(
    authority: Authority, http: Outbound
) -> None:
    """error_uri holds the instance id that support needs; a script address is not passed on."""
    issuer, begun, returned = launched(authority, http)
    words = {
        "error": "invalid_scope",
        "error_description": "a\r\nb" + "x" * 5000,
        "error_uri": "https://ehr.example/e/1",
    }
    with pytest.raises(LaunchRefused) as caught:
        complete(issuer, begun.pending, {**returned, **words}, keys=None, http=http, now=NOW)
    assert (caught.value.reason, caught.value.error_uri) == ("invalid_scope", "https://ehr.example/e/1")
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)
    with pytest.raises(LaunchRefused) as caught:
        complete(
            issuer,
            begun.pending,
            {**returned, "error": "e", "error_uri": "javascript:x"},
            keys=None,
            http=http,
            now=NOW,
        )
    assert caught.value.error_uri is None


ANSWERS = {
    "code used before": (400, {"error": "invalid_grant"}, LaunchRefused),
    "client not known": (401, {"error": "invalid_client"}, LaunchRefused),
    "an empty 403": (403, b"", LaunchRefused),
    "a 200 that holds an error": (200, {"error": "invalid_request"}, LaunchRefused),
    "a token of another kind": (200, {"access_token": "x", "token_type": "mac"}, LaunchRefused),
    "an id that is a path": (200, {"access_token": "x", "patient": "../Patient"}, LaunchRefused),
    "no token": (200, {"token_type": "Bearer"}, TokenUnavailable),
    "a page": (200, b"<html>", TokenUnavailable),
    "a list": (200, [], TokenUnavailable),
    "overloaded": (429, b"", TokenUnavailable),
    "a bad gateway": (502, b"<html>", TokenUnavailable),
    "busy": (400, {"error": "temporarily_unavailable"}, TokenUnavailable),
    "hangs up": (0, b"", TokenUnavailable),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_a_token_endpoint_that_does_not_give_a_token_is_told_apart(
    case: str, authority: Authority, http: Outbound
) -> None:
    """Refused for good or worth another try: the page the person sees depends on it."""
    status, body, refusal = ANSWERS[case]
    issuer, begun, returned = launched(authority, http)
    authority.answers["/oauth2/token"] = [(status, {}, body)]
    with pytest.raises(LaunchError) as caught:
        complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW)
    assert type(caught.value) is refusal
    assert len(authority.requests_to("/oauth2/token")) == 1, "a code is sent once"
    assert "the-code" not in str(caught.value)


CLAIMS = {
    "another nonce": ({"nonce": "another"}, "nonce"),
    "no nonce": ({"nonce": None}, "nonce"),
    "meant for another app": ({"aud": "another-app"}, "aud"),
    "meant for nobody": ({"aud": None}, "aud"),
    "meant for several and issued to another": ({"aud": ["our-app", "x"], "azp": "x"}, "azp"),
    "meant for several and issued to nobody": ({"aud": ["our-app", "x"]}, "azp"),
    "issued by a stranger": ({"iss": "https://evil.example"}, "iss"),
    "issued by a neighbour": ({"iss": "neighbour"}, "iss"),
    "issued by nobody": ({"iss": None}, "iss"),
    "expired": ({"exp": int(NOW.timestamp()) - 61}, "exp"),
    "without an end": ({"exp": None}, "exp"),
    "with an end in words": ({"exp": "tomorrow"}, "exp"),
    "from the future": ({"iat": int(NOW.timestamp()) + 90}, "iat"),
    "not valid yet": ({"nbf": int(NOW.timestamp()) + 90}, "nbf"),
    "about nobody": ({"sub": None}, "sub"),
}


@pytest.mark.parametrize("case", CLAIMS)
def test_an_id_token_with_a_wrong_claim_is_refused_by_name(case: str, authority: Authority, http: Outbound) -> None:
    """OpenID Connect Core 1.0 section 3.1.3.7: the message names the check that failed."""
    changes, check = CLAIMS[case]
    issuer, begun, returned = launched(authority, http)
    if changes.get("iss") == "neighbour":
        changes = {"iss": f"{authority.url}/elsewhere"}
    authority.claims_changes = changes
    with pytest.raises(IdentityRejected, match=rf"\({check}\)"):
        complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW)


def forged(authority: Authority, how: str) -> object:
    """An id_token whose claims are right and whose proof is not."""
    public = authority.key.as_pem(private=False)
    claims = jwt.decode(authority.id_token(), authority.key, algorithms=["RS256"]).claims
    match how:
        case "unsigned":
            return signed_by_nobody(claims)
        case "signed with our public key as a secret":
            return signed_with_a_secret(claims, public)
        case "signed by a stranger under the known kid":
            return authority.id_token(key=RSAKey.generate_key(2048))
        case "signed by a stranger under a new kid":
            return authority.id_token(key=RSAKey.generate_key(2048), header={"kid": "stranger"})
        case "signed by the issuer under a kid it does not publish":
            return authority.id_token(header={"kid": "unknown"})
        case "bringing its own key":
            own = RSAKey.generate_key(2048)
            return authority.id_token(key=own, header={"jwk": own.as_dict(private=False), "kid": "own"})
        case "changed after signing":
            head, body, signature = authority.id_token().split(".")
            return f"{head}.{body[:-2]}AA.{signature}"
        case "cut":
            return authority.id_token()[:-20]
        case "encrypted":
            return "a.b.c.d.e"
        case "a list":
            return ["x"]
        case _:
            return ""


FORGERIES = (
    "unsigned",
    "signed with our public key as a secret",
    "signed by a stranger under the known kid",
    "signed by a stranger under a new kid",
    "signed by the issuer under a kid it does not publish",
    "bringing its own key",
    "changed after signing",
    "cut",
    "encrypted",
    "a list",
    "empty",
)


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forged_id_token_is_refused(how: str, authority: Authority, http: Outbound) -> None:
    """Signature by a published key of the issuer, in an allowed way, or no identity at all."""
    issuer, begun, returned = launched(authority, http)
    authority.token_changes = {"id_token": forged(authority, how)}
    with pytest.raises(IdentityRejected):
        complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW)


@pytest.mark.parametrize("alg", ["RS384", "PS256", "ES256", "ES384"])
def test_an_id_token_in_any_allowed_signature_is_read(alg: str, authority: Authority, http: Outbound) -> None:
    """With a certificate in its header and headers nobody has heard of."""
    curve = {"ES256": "P-256", "ES384": "P-384"}.get(alg)
    authority.key = ECKey.generate_key(curve) if curve else authority.key
    authority.published = [{**authority.key.as_dict(private=False), "kid": "first"}]
    issuer, begun, returned = launched(authority, http)
    header = {"alg": alg, "x5c": ["MII" * 700], "vendor": "x"}
    head = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    head.max_header_length = 10_000
    claims = jwt.decode(
        authority.id_token(key=authority.key, header={"alg": alg}), authority.key, algorithms=[alg]
    ).claims
    signed = jwt.encode({**header, "kid": "first"}, claims, authority.key, registry=head)
    authority.token_changes = {"id_token": signed}
    assert complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW).identity is not None


def test_an_algorithm_the_server_does_not_announce_is_refused(authority: Authority, http: Outbound) -> None:
    authority.configuration_changes = {"id_token_signing_alg_values_supported": ["ES256"]}
    issuer, begun, returned = launched(authority, http)
    with pytest.raises(IdentityRejected, match="alg"):
        complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW)


def test_a_key_changed_by_the_server_is_found_by_reading_its_keys_once_more(
    authority: Authority, http: Outbound
) -> None:
    issuer, begun, returned = launched(authority, http)
    complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW)
    authority.key, authority.kid = RSAKey.generate_key(2048), "second"
    authority.published.append({**authority.key.as_dict(private=False), "kid": "second"})
    issuer, begun, returned = launched(authority, http)
    assert complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW).identity is not None
    assert len(authority.requests_to("/keys")) == 2


def test_odd_keys_in_the_set_do_not_spoil_the_good_one(authority: Authority, http: Outbound) -> None:
    authority.published[:0] = [
        {"kty": "RSA", "kid": "first", "n": "!!", "e": "AQAB"},
        {"kty": "oct", "kid": "first", "k": "c2VjcmV0"},
        {"kid": "first"},
    ]
    issuer, begun, returned = launched(authority, http)
    assert complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW).identity is not None


def test_keys_that_cannot_be_read_are_the_servers_fault_and_worth_another_try(
    authority: Authority, http: Outbound
) -> None:
    issuer, begun, returned = launched(authority, http)
    authority.answers["/keys"] = [(500, {}, b"")]
    with pytest.raises(DiscoveryFailed) as caught:
        complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW)
    assert caught.value.retry


def test_a_token_signed_beneath_the_named_issuer_counts_once_that_issuer_answers_for_itself(
    authority: Authority, http: Outbound
) -> None:
    """Oracle's SMART configuration names the tenant; its id_tokens are signed by a service beneath it."""
    authority.configuration_changes = {"issuer": authority.issuer + "/tenants/t"}
    beneath = authority.issuer + "/tenants/t/oidc/"
    where = "/oauth2/tenants/t/oidc/.well-known/openid-configuration"
    own = {**authority.configuration(), "issuer": beneath}
    authority.claims_changes = {"iss": beneath}
    authority.answers[where] = [(200, {}, own)]
    issuer, begun, returned = launched(authority, http)
    grant = complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW)
    assert grant.identity is not None
    discovery.forget()
    authority.answers[where] = [(200, {}, {**own, "jwks_uri": f"{authority.url}/other-keys"})]
    issuer, begun, returned = launched(authority, http)
    with pytest.raises(IdentityRejected, match="iss"):
        complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW)


def test_a_configuration_without_issuer_and_keys_is_completed_from_openid_discovery(
    authority: Authority, http: Outbound
) -> None:
    """A customer's older smart-configuration holds neither."""
    authority.answers["/fhir/.well-known/smart-configuration"] = [
        (200, {}, {**authority.configuration(), "issuer": None, "jwks_uri": None})
    ]
    issuer, begun, returned = launched(authority, http)
    assert complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW).identity is not None


def test_a_stranger_cannot_speak_for_an_ehr_that_does_not_name_its_issuer(authority: Authority, http: Outbound) -> None:
    """The issuer in the token decides where keys are read, so it must live where the token endpoint does."""
    unnamed = {**authority.configuration(), "issuer": None, "jwks_uri": None}
    authority.answers["/fhir/.well-known/smart-configuration"] = [(200, {}, unnamed)]
    with Authority() as stranger:
        issuer, begun, returned = launched(authority, http)
        stranger.nonce = authority.nonce
        authority.token_changes = {"id_token": stranger.id_token()}
        with pytest.raises(IdentityRejected, match="iss"):
            complete(issuer, begun.pending, returned, keys=None, http=http, now=NOW)
        assert stranger.seen == []


# -- more ways to ask ------------------------------------------------------------------------------------------------


def test_a_clinician_who_comes_first_to_the_app_picks_a_patient_where_the_chart_offers_it(
    authority: Authority, http: Outbound
) -> None:
    authority.configuration_changes = {"capabilities": ["launch-standalone", "context-standalone-patient"]}
    begun = begin(issuer_of(authority), launch=None, redirect_uri=CALLBACK, http=http, now=NOW)
    sent = parse_qs(urlsplit(begun.url).query)
    assert sent["scope"] == ["launch/patient openid fhirUser user/Patient.rs offline_access"]
    assert "launch" not in sent


def test_a_launch_too_long_for_an_address_goes_as_a_form_where_the_server_takes_one(
    authority: Authority, http: Outbound
) -> None:
    """SMART App Launch 2.2, `authorize-post`; the launch value is opaque and may be kilobytes long."""
    long = "é+/=" + "x" * 6000
    for capabilities, launch, by_form in (
        (["authorize-post"], long, True),
        (["authorize-post"], "short", False),
        (["launch-ehr"], long, False),
        (["authorize-post"], None, False),
    ):
        discovery.forget()
        authority.configuration_changes = {
            "capabilities": capabilities,
            "authorization_endpoint": f"{authority.url}/oauth2/authorize?tenant=a&empty=",
        }
        begun = begin(issuer_of(authority), launch=launch, redirect_uri=CALLBACK, http=http, now=NOW)
        assert (begun.form is not None) is by_form
        if begun.form is not None:
            address, fields = begun.form
            assert address == f"{authority.url}/oauth2/authorize?tenant=a&empty="
            sent = dict(fields)
            assert sent["launch"] == long
            assert sent["state"] == begun.pending.state
            assert not {"tenant", "empty"} & sent.keys()
            assert sent == {k: v[0] for k, v in parse_qs(urlsplit(begun.url).query).items() if k != "tenant"}


def test_how_long_ago_a_person_signed_in_is_asked_and_held_against_the_answer(
    authority: Authority, http: Outbound
) -> None:
    """OpenID Connect Core 3.1.2.1 and 3.1.3.7: before a signature the person shows again who they are."""
    at = int(NOW.timestamp())
    for signed_in, fits in ((at, True), (at - 355, True), (at - 361, False), (None, False), ("now", False)):
        issuer = issuer_of(authority)
        begun = begin(issuer, launch="x", redirect_uri=CALLBACK, http=http, now=NOW, extra={"max_age": "300"})
        assert parse_qs(urlsplit(begun.url).query)["max_age"] == ["300"]
        assert Pending.from_json(begun.pending.to_json()).max_age == 300
        answer = authority.browser_follows(begun.url)
        authority.claims_changes = {"auth_time": signed_in}
        if fits:
            assert complete(issuer, begun.pending, answer, keys=None, http=http, now=NOW).identity is not None
        else:
            with pytest.raises(IdentityRejected, match=r"valid|auth_time"):
                complete(issuer, begun.pending, answer, keys=None, http=http, now=NOW)


def test_an_id_token_that_belongs_to_another_access_token_is_refused(authority: Authority, http: Outbound) -> None:
    """OpenID Connect Core 3.1.3.8. The right hash is that of the token which comes along."""
    import base64
    import hashlib

    half = hashlib.sha256(b"access-1").digest()[:16]
    right = base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    issuer, begun, answer = launched(authority, http)
    authority.claims_changes = {"at_hash": right}
    assert complete(issuer, begun.pending, answer, keys=None, http=http, now=NOW).identity is not None
    for wrong in (right, 5, ""):  # the next access token is another, and yet the first hash
        issuer, begun, answer = launched(authority, http)
        authority.claims_changes = {"at_hash": wrong}
        with pytest.raises(IdentityRejected, match="at_hash"):
            complete(issuer, begun.pending, answer, keys=None, http=http, now=NOW)


def test_a_server_that_says_it_names_itself_must(authority: Authority, http: Outbound) -> None:
    """RFC 9207 section 2.4."""
    authority.configuration_changes = {"authorization_response_iss_parameter_supported": True}
    issuer, begun, answer = launched(authority, http)
    with pytest.raises(LaunchRefused) as caught:
        complete(issuer, begun.pending, answer, keys=None, http=http, now=NOW)
    assert caught.value.reason == "issuer_missing"
    issuer, begun, answer = launched(authority, http)
    named = {**answer, "iss": authority.issuer}
    assert complete(issuer, begun.pending, named, keys=None, http=http, now=NOW).context.patient == "p1"


def test_the_operators_list_of_origins_holds_for_the_whole_launch(authority: Authority, http: Outbound) -> None:
    elsewhere = authority.url.replace("127.0.0.1", "localhost")
    issuer = issuer_of(authority, origins=(authority.url,))
    begun = begin(issuer, launch="x", redirect_uri=CALLBACK, http=http, now=NOW)
    answer = authority.browser_follows(begun.url)
    discovery.forget()
    authority.configuration_changes = {"jwks_uri": f"{elsewhere}/keys"}
    with pytest.raises(LaunchError):
        complete(issuer, begun.pending, answer, keys=None, http=http, now=NOW)
    assert not any(seen.headers["host"].startswith("localhost") for seen in authority.seen)
