"""Every way we know to tamper with a launch: what an attacker, a confused browser or a bent server does.

Each is a function of a doorway and a browser that was never there; it ends with the answer the person sees. `TABLE`
maps a name to it, with a word of the check that must refuse it and whether the code may have been spent by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import update
from werkzeug.test import TestResponse

from smart_app.store.tables import launches
from tests.launching import PAGE, Doorway
from tests.unit.launch_authority import Authority, as_part, signed_by_nobody, signed_with_a_secret

Act = Callable[[Doorway, FlaskClient], TestResponse]
KEYS = "/keys"
TOKEN = "/oauth2/token"
STRANGER = RSAKey.generate_key(2048)
LONE = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"}


@dataclass(frozen=True)
class Tampering:
    """`check`: what the audit must name. `asks`: may the token endpoint have been asked?"""

    act: Act
    check: str
    asks: bool = False


TABLE: dict[str, Tampering] = {}


def row(name: str, check: str, *, asks: bool = False) -> Callable[[Act], Act]:
    def add(act: Act) -> Act:
        assert name not in TABLE, name
        TABLE[name] = Tampering(act, check, asks)
        return act

    return add


# -- the door ----------------------------------------------------------------------------------------------------------


def _door(check: str, name: str, iss: Callable[[Doorway], str], launch: str = "opaque") -> None:
    def act(door: Doorway, client: FlaskClient) -> TestResponse:
        return client.get("/launch", query_string={"iss": iss(door), "launch": launch}, headers=PAGE)

    row(name, check)(act)


_door("UntrustedIssuer", "an EHR nobody knows", lambda d: "https://evil.example/fhir")
_door("UntrustedIssuer", "a known EHR as the user name of another", lambda d: f"{d.here.url}@evil.example/fhir")
_door("UntrustedIssuer", "a known EHR as the beginning of another host", lambda d: f"{d.here.iss}.evil.example")
_door("UntrustedIssuer", "a folder beside the known one", lambda d: f"{d.here.iss}/../evil")
_door("UntrustedIssuer", "the known EHR by another scheme", lambda d: d.here.iss.replace("http:", "https:"))
_door("UntrustedIssuer", "the known EHR at another port", lambda d: d.here.iss.replace("/fhir", "0/fhir"))
_door("UntrustedIssuer", "a known EHR with a query of its own", lambda d: f"{d.here.iss}?x=1")
_door("UntrustedIssuer", "no EHR", lambda d: "")
_door("UntrustedIssuer", "an EHR that is a script", lambda d: "javascript:alert(1)")
_door("UntrustedIssuer", "an EHR with a line break", lambda d: f"{d.here.iss}\r\nHost: evil.example")
_door("UntrustedIssuer", "the machine's own address", lambda d: "http://169.254.169.254/latest")
_door("no_launch", "a chart that does not say for whom", lambda d: d.here.iss, "")


# -- what comes back: state --------------------------------------------------------------------------------------------


def _back(name: str, check: str, change: Callable[[dict[str, str]], Any], **headers: str) -> None:
    def act(door: Doorway, client: FlaskClient) -> TestResponse:
        door.press(client)
        return door.come_back(client, change(door.sign_in()), **headers)

    row(name, check)(act)


def _with(**changes: Any) -> Callable[[dict[str, str]], dict[str, Any]]:
    return lambda answer: {name: value for name, value in {**answer, **changes}.items() if value is not None}


_back("no state", "LaunchExpired", _with(state=None))
_back("an empty state", "LaunchExpired", _with(state=""))
_back("a guessed state", "LaunchExpired", _with(state="A" * 43))
_back("a state cut short", "LaunchExpired", lambda a: {**a, "state": a["state"][:-1]})
_back("a state made longer", "LaunchExpired", lambda a: {**a, "state": a["state"] + "A"})
_back("a state in other case", "LaunchExpired", lambda a: {**a, "state": a["state"].swapcase()})
_back("a state with a wildcard", "LaunchExpired", _with(state="%"))
_back("the state twice", "repeated_parameter", lambda a: [*a.items(), ("state", "x")])
_back("the code twice", "repeated_parameter", lambda a: [*a.items(), ("code", "x")])
_back("no code", "no_code", _with(code=None))
_back("an empty code", "no_code", _with(code=""))
_back("a person who said no", "access_denied", _with(code=None, error="access_denied"))
_back("a refusal and a code at once", "access_denied", _with(error="access_denied"))
_back(
    "a refusal that is a page",
    "server_says",
    _with(code=None, error="server_says", error_description="<script>alert(1)</script>\r\nSet-Cookie: x=y"),
)


@row("a state that was used", "LaunchExpired", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.press(client)
    answer = door.sign_in()
    assert door.come_back(client, answer).status_code == 303
    return door.come_back(client, answer)


@row("a state after eleven minutes", "LaunchExpired")
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.press(client)
    answer = door.sign_in()
    door.world.later(minutes=11)
    return door.come_back(client, answer)


@row("a state begun in another browser", "BegunElsewhere")
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.press(client)
    answer = door.sign_in()
    return door.come_back(door.client(door.browser()), answer)


@row("a link to somebody else's launch, opened in a window that was never here", "BegunElsewhere")
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.press(client)
    answer = door.sign_in()
    return door.come_back(door.client(), answer, **LONE)


@row("a launch changed where it is kept", "GrantEnded")
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.press(client)
    answer = door.sign_in()
    with door.world.ports.store.transaction() as tx:
        tx.sessions._connection.execute(update(launches).values(pending="gAAAAAB" + "A" * 120))
    return door.come_back(client, answer)


# -- what comes back: another server's answer --------------------------------------------------------------------------


@row("an answer that names another server", "issuer_mismatch")
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.press(client)
    return door.come_back(client, {**door.sign_in(), "iss": "https://evil.example"})


@row("an answer that names another hospital of ours", "issuer_mismatch")
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.press(client)
    return door.come_back(client, {**door.sign_in(), "iss": door.there.issuer})


@row("an answer that names a server whose name begins like ours", "issuer_mismatch")
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.press(client)
    return door.come_back(client, {**door.sign_in(), "iss": f"{door.here.issuer}.evil.example"})


@row("an answer that names nobody though the server said it would", "issuer_missing")
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.here.configuration_changes = {"authorization_response_iss_parameter_supported": True}
    door.press(client)
    return door.come_back(client, door.sign_in())


@row("the other hospital's code with this one's state", "invalid_grant", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    """Mix-up without RFC 9207: this hospital does not know the code, and the verifier of the other never goes there."""
    door.press(client, door.there)
    code = door.sign_in(door.there)["code"]
    door.press(client)
    return door.come_back(client, {**door.sign_in(), "code": code})


@row("a chart's state at the sign-in of a reading organisation", "UntrustedIssuer")
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.press(client)
    return client.get("/sign-in/callback", query_string=door.sign_in(), headers=PAGE)


@row("a reading organisation's state at the chart's door", "UntrustedIssuer")
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.away = client.get("/sign-in/northlight").headers["Location"]
    return door.come_back(client, door.sign_in())


# -- the exchange ------------------------------------------------------------------------------------------------------


@row("a code of another launch", "invalid_grant", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    """Code injection: the verifier of this launch does not fit the challenge of that one (RFC 7636)."""
    door.press(door.client())
    stolen = door.sign_in()["code"]
    door.press(client)
    return door.come_back(client, {**door.sign_in(), "code": stolen})


@row("a code that was spent", "invalid_grant", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.press(client)
    spent = door.sign_in()["code"]
    assert door.here.codes is not None
    del door.here.codes[spent]
    return door.come_back(client, {"code": spent, "state": parse_qs(urlsplit(door.away).query)["state"][0]})


@row("a challenge that was taken off the request", "invalid_grant", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    """PKCE downgrade: the server never saw a challenge, and refuses a verifier that answers none (RFC 9700 4.8.2)."""
    door.press(client)
    answer = door.sign_in()
    assert door.here.codes is not None
    door.here.codes[answer["code"]] = ""
    return door.come_back(client, answer)


@row("a server that only takes a plain challenge", "invalid_grant", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.here.configuration_changes = {"code_challenge_methods_supported": ["plain"]}
    sent = door.press(client)
    assert sent["code_challenge_method"] == "S256"
    answer = door.sign_in()
    assert door.here.codes is not None
    door.here.codes[answer["code"]] = "plain-" + sent["code_challenge"]
    return door.come_back(client, answer)


def _exchange(name: str, check: str, status: int, headers: dict[str, str], body: Any) -> None:
    def act(door: Doorway, client: FlaskClient) -> TestResponse:
        door.press(client)
        answer = door.sign_in()
        door.here.answers[TOKEN] = [(status, headers, body)]
        return door.come_back(client, answer)

    row(name, check, asks=True)(act)


_exchange("a token endpoint that hands the code on", "not followed", 307, {"Location": "http://127.0.0.1:9/t"}, b"")
_exchange("a token endpoint that hands it on within its house", "not followed", 308, {"Location": "/other"}, b"")
_exchange("a registration that is not known", "invalid_client", 401, {}, {"error": "invalid_client"})
_exchange("a refusal without words", "status_403", 403, {}, b"")
_exchange("a token of a kind we cannot use", "token_type", 200, {}, {"access_token": "a", "token_type": "DPoP"})


def _context(name: str, **changes: Any) -> None:
    def act(door: Doorway, client: FlaskClient) -> TestResponse:
        door.here.token_changes = changes
        return door.launch(client)

    row(name, "invalid_context", asks=True)(act)


_context("a patient that is a way up", patient="../Practitioner/1")
_context("a patient that is a search", patient="p1?_include=*")
_context("a patient that is a list", patient=["p1", "p2"])
_context("a patient that is two dots", patient="..")
_context("a visit that is a path", encounter="e1/$everything")


# -- who is there ------------------------------------------------------------------------------------------------------


def _claims(name: str, check: str, **changes: Any) -> None:
    def act(door: Doorway, client: FlaskClient) -> TestResponse:
        at = int(door.world.now.timestamp())
        door.here.claims_changes = {
            claim: (
                value.format(there=door.there) if isinstance(value, str) else value(at) if callable(value) else value
            )
            for claim, value in changes.items()
        }
        return door.launch(client)

    row(name, check, asks=True)(act)


def _valued(value: Any, door: Doorway) -> Any:
    if callable(value):
        return value(int(door.world.now.timestamp()))
    return value.format(there=door.there) if isinstance(value, str) else value


_claims("an id_token of yesterday", "(exp)", exp=lambda at: at - 61)
_claims("an id_token without an end", "(exp)", exp=None)
_claims("an id_token from the future", "(iat)", iat=lambda at: at + 90)
_claims("an id_token that is not valid yet", "(nbf)", nbf=lambda at: at + 90)
_claims("an id_token of a stranger", "(iss)", iss="https://evil.example")
_claims("an id_token in the name of the other hospital", "(iss)", iss="{there.issuer}")
_claims("an id_token of nobody", "(iss)", iss=None)
_claims("an id_token for another app", "(aud)", aud="another-app")
_claims("an id_token for no app", "(aud)", aud=None)
_claims("an id_token for several apps, issued to another", "(azp)", aud=["our-app", "x"], azp="x")
_claims("an id_token issued to another app", "(azp)", azp="x")
_claims("an id_token of another sign-in", "(nonce)", nonce="another")
_claims("an id_token of any sign-in", "(nonce)", nonce=None)
_claims("an id_token about nobody", "(sub)", sub=None)
_claims("an id_token beside another access token", "(at_hash)", at_hash="AAAAAAAAAAAAAAAAAAAAAA")
_claims("a chart that does not say who is there", "(openid fhirUser)", fhirUser=None)
_claims("a patient at the door for staff", "(fhirUser)", fhirUser="Patient/p1")
_claims("a relative at the door for staff", "(fhirUser)", fhirUser="RelatedPerson/r1")


@row("staff at the door for patients", "(fhirUser)", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.away = client.get("/launch/patient", query_string={"iss": door.here.iss, "launch": "x"}).headers["Location"]
    return door.come_back(client, door.sign_in())


@row("an id_token kept from an earlier launch", "(nonce)", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.press(client)
    door.sign_in()
    kept = door.here.id_token()
    door.press(client)
    answer = door.sign_in()
    door.here.token_changes = {"id_token": kept}
    return door.come_back(client, answer)


# -- how it is proven --------------------------------------------------------------------------------------------------


def _token(name: str, check: str, make: Callable[[Authority], Any]) -> None:
    def act(door: Doorway, client: FlaskClient) -> TestResponse:
        door.press(client)
        answer = door.sign_in()
        door.here.token_changes = {"id_token": make(door.here)}
        return door.come_back(client, answer)

    row(name, check, asks=True)(act)


def _claims_of(authority: Authority) -> dict[str, Any]:
    return dict(jwt.decode(authority.id_token(), authority.key, algorithms=["RS256"]).claims)


def _headed(**header: Any) -> Callable[[Authority], str]:
    """Claims that are right and a signature of the issuer, under a header of the attacker's."""
    return lambda authority: _by_hand(authority, authority.key, {"alg": "RS256", "kid": authority.kid, **header})


def _by_hand(authority: Authority, key: RSAKey, header: dict[str, Any]) -> str:
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.hashes import SHA256

    signed = f"{as_part(header)}.{as_part(_claims_of(authority))}"
    signature = key.private_key.sign(signed.encode(), padding.PKCS1v15(), SHA256())
    return f"{signed}.{as_part(signature)}"


def _by_secret(authority: Authority, secret: bytes) -> str:
    return signed_with_a_secret(_claims_of(authority), secret)


def _swapped(authority: Authority) -> str:
    head, _, signature = authority.id_token().split(".")
    return f"{head}.{as_part({**_claims_of(authority), 'sub': 'dr-evil'})}.{signature}"


_token("alg none", "(alg)", lambda a: signed_by_nobody(_claims_of(a)))
_token("alg None", "(alg)", lambda a: f"{as_part({'alg': 'None'})}.{as_part(_claims_of(a))}.")
_token(
    "the public key as a secret", "(alg)", lambda a: signed_with_a_secret(_claims_of(a), a.key.as_pem(private=False))
)
_token("our client id as a secret", "(alg)", lambda a: _by_secret(a, b"our-app"))
_token("an algorithm in a list", "(alg)", _headed(alg=["RS256"]))
_token("an algorithm nobody knows", "(alg)", _headed(alg="RS1"))
_token("an algorithm for another kind of key", "(signature)", _headed(alg="ES256"))
_token("a stranger's key under the known kid", "(signature)", lambda a: a.id_token(key=STRANGER))
_token("a kid nobody publishes", "(signature)", _headed(kid="unknown"))
_token("a kid that is a path", "(signature)", _headed(kid="../../../dev/null"))
_token("a kid that is a query", "(signature)", _headed(kid="' OR 1=1 --"))
_token("a kid that is a number", "(signature)", _headed(kid=1))
_token("a kid that is an address", "(signature)", _headed(kid="https://evil.example/keys"))
_token("no kid and a stranger's key", "(signature)", lambda a: _by_hand(a, STRANGER, {"alg": "RS256"}))
_token(
    "a key brought along",
    "(signature)",
    lambda a: _by_hand(a, STRANGER, {"alg": "RS256", "kid": "own", "jwk": STRANGER.as_dict(private=False)}),
)
_token(
    "the address of a key set brought along",
    "(signature)",
    lambda a: _by_hand(a, STRANGER, {"alg": "RS256", "kid": "own", "jku": f"{a.url}/attacker"}),
)
_token(
    "the address of a certificate brought along",
    "(signature)",
    lambda a: _by_hand(a, STRANGER, {"alg": "RS256", "kid": "own", "x5u": f"{a.url}/attacker"}),
)
_token("a header we must understand and do not", "(signature)", _headed(crit=["exp-policy"], **{"exp-policy": 1}))
_token("a payload that is not encoded", "(signature)", _headed(crit=["b64"], b64=False))
_token("no signature", "(signature)", lambda a: a.id_token().rpartition(".")[0] + ".")
_token("another person under the old signature", "(signature)", _swapped)
_token("an encrypted token", "(form)", lambda a: "a.b.c.d.e")
_token("a token without end", "(form)", lambda a: "a" * 100_001 + ".b.c")
_token("a token that is a list", "(form)", lambda a: ["x"])


@row("the other hospital's id_token", "(iss)", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    """A trusted server, a right signature, and yet the wrong house."""
    door.press(client)
    answer = door.sign_in()
    door.there.nonce = door.here.nonce
    door.here.token_changes = {"id_token": door.there.id_token()}
    return door.come_back(client, answer)


@row("the other hospital's key for this one's name", "(signature)", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.press(client)
    answer = door.sign_in()
    door.here.token_changes = {"id_token": door.here.id_token(key=door.there.key)}
    return door.come_back(client, answer)


@row("a key set that is a secret", "(signature)", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.here.published = [{"kty": "oct", "k": "c2VjcmV0", "kid": "first", "alg": "RS256"}]
    return door.launch(client)


@row("a key set for encryption only", "(signature)", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.here.published[0]["use"] = "enc"
    return door.launch(client)


@row("a key set on another curve", "(signature)", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    key = ECKey.generate_key("P-384")
    door.here.published = [{**key.as_dict(private=False), "kid": "first"}]
    return door.launch(client)


@row("a key set that lies elsewhere", "another address", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    door.here.answers[KEYS] = [(302, {"Location": f"{door.there.url}/keys"}, b"")]
    return door.launch(client)


@row("an issuer that changed while the person signed in", "(iss)", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    from launch import discovery

    door.press(client)
    answer = door.sign_in()
    discovery.forget()
    door.here.configuration_changes = {"issuer": "https://evil.example", "jwks_uri": f"{door.there.url}/keys"}
    return door.come_back(client, answer)


# -- from one window to the next ---------------------------------------------------------------------------------------


def _code(door: Doorway, client: FlaskClient) -> str:
    """The one-time code that follows a launch."""
    return parse_qs(urlsplit(door.launch(client).headers["Location"]).query)["code"][0]


@row("the code of an arrival, guessed", "LaunchExpired")
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    return client.get("/arrive", query_string={"code": "A" * 43}, headers=PAGE)


@row("the code of an arrival, twice", "LaunchExpired", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    code = _code(door, client)
    assert client.get("/arrive", query_string={"code": code}).status_code == 303
    return client.get("/arrive", query_string={"code": code}, headers=PAGE)


@row("the code of an arrival, after a minute", "LaunchExpired", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    code = _code(door, client)
    door.world.now += timedelta(seconds=61)
    return client.get("/arrive", query_string={"code": code}, headers=PAGE)


@row("the code of an arrival, as a link in another browser", "BegunElsewhere", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    code = _code(door, client)
    return door.client().get("/arrive", query_string={"code": code}, headers={**PAGE, **LONE})


@row("a window of its own, opened from another site", "BegunElsewhere", asks=True)
def _(door: Doorway, client: FlaskClient) -> TestResponse:
    code = _code(door, client)
    return door.client().get("/handoff", query_string={"code": code}, headers={**PAGE, **LONE})
