"""The FHIR R4 face for other organisations' systems: reading and searching, and what they may send us.

Rule: every request is made by one proven system, every answer is FHIR (an OperationOutcome where it is a no), and the
use cases decide.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, g, jsonify, request, send_file
from werkzeug.exceptions import HTTPException

from launch.errors import CallerRejected
from smart_app.exchange import asked, done, found
from smart_app.exchange.errors import ExchangeError, NotThere, NotUnderstood
from smart_app.exchange.found import Page, visible
from smart_app.exchange.shown import TYPES, prior_report, shown
from smart_app.referral import Referral
from smart_app.sites import System
from smart_app.web.answers import wake
from smart_app.web.capability import statement
from smart_app.web.errors import notice_of, reported
from smart_app.web.exchange_token import bearer
from smart_app.web.sessions import ports

blueprint = Blueprint("exchange", __name__, url_prefix="/fhir")
FHIR_JSON = "application/fhir+json"
LARGEST = 20_000_000  # bytes
Resource = dict[str, Any]


@blueprint.get("/metadata")
def metadata() -> Response:
    """What this server can do (CapabilityStatement). Open to everybody."""
    return _said(statement(_base()))


@blueprint.get("/<kind>")
def search(kind: str) -> Response:
    """Search by the address."""
    return _searched(kind, list(request.args.items(multi=True)))


@blueprint.post("/<kind>/_search")
def search_by_form(kind: str) -> Response:
    """Search by a form, so that nothing about a person stands in an address."""
    return _searched(kind, list(request.form.items(multi=True)))


@blueprint.get("/<kind>/<resource_id>")
def read(kind: str, resource_id: str) -> Response:
    """One resource, or 304 where the asker has it already."""
    system = _system(kind, "r")
    if kind == "Binary":
        return _binary(system, resource_id)
    if kind not in TYPES:
        raise NotThere(f"This server has no {kind}.")
    resource = found.read(ports(), system, kind, resource_id)
    answer = _said(resource)
    answer.headers["ETag"] = f'W/"{resource["meta"]["versionId"]}"'
    _seen(system, resource_id, kind)
    answer.make_conditional(request)
    return answer


@blueprint.put("/Task/<task_id>")
def move_task(task_id: str) -> Response:
    """The Task goes to another status, where that is allowed now."""
    system = _system("Task", "u")
    task = _sent("Task")
    if task.get("id") != task_id:
        raise NotUnderstood("Task.id and the address differ.")
    done.move_task(ports(), system, task_id, task, request.headers.get("If-Match"))
    return _stored(system, "Task", task_id, 200)


@blueprint.post("/Communication")
def ask() -> Response:
    """A question to the one who asked."""
    system = _system("Communication", "c")
    _, name = done.ask(ports(), system, _sent("Communication"))
    return _stored(system, "Communication", name, 201)


@blueprint.post("/DiagnosticReport")
def take_report() -> Response:
    """The opinion of another system."""
    system = _system("DiagnosticReport", "c")
    before = ports().now()
    referral = done.take_report(ports(), system, _sent("DiagnosticReport"))
    fresh = referral.opinion is not None and referral.opinion.signed_at >= before
    return _stored(system, "DiagnosticReport", referral.id, 201 if fresh else 200)


@blueprint.route("/", methods=["GET", "POST"], defaults={"rest": ""})
@blueprint.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def nothing(rest: str) -> Response:
    """Every other address: known to nobody, and told so in FHIR."""
    del rest
    raise NotThere("This server does not offer that interaction. What it offers is in /fhir/metadata.")


# -- within --------------------------------------------------------------------------------------------------------


def _searched(kind: str, parameters: list[tuple[str, str]]) -> Response:
    if kind not in TYPES:
        raise NotThere(f"This server has no {kind}.")
    system = _system(kind, "s")
    wanted = asked.read(kind, parameters)
    page = found.search(ports(), system, wanted)
    if page.matches:
        with ports().store.transaction() as tx:
            what = f"{kind}, {len(page.matches)} found"
            tx.audit.write(ports().now(), done.party_of(system), "search", wanted.referral, what)
    return _said(_bundle(kind, wanted, page))


def _bundle(kind: str, wanted: asked.Asked, page: Page) -> Resource:
    base = _base()
    links = [{"relation": "self", "url": f"{base}/{kind}?{urlencode(wanted.plain)}".rstrip("?")}]
    if page.next:
        links.append({"relation": "next", "url": f"{base}/{kind}?{urlencode([*wanted.plain, ('_cursor', page.next)])}"})
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "link": links}
    if page.total is not None:
        bundle["total"] = page.total
    both = [(one, "match") for one in page.matches] + [(one, "include") for one in page.included]
    if both:
        bundle["entry"] = [
            {"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one, "search": {"mode": mode}}
            for one, mode in both
        ]
    return bundle


def _binary(system: System, resource_id: str) -> Response:
    """The bytes of a first report. They are shown by nobody's browser: always a file."""
    _, referral = found.referral_of(ports(), system, resource_id)
    try:
        key = prior_report(referral, resource_id)
    except KeyError:
        raise NotThere("There is no such resource here.") from None
    if not visible(found.actor_of(system), referral, "Binary"):
        raise NotThere("There is no such resource here.")
    report = next(one for one in referral.prior_reports if one.sha256 == key)
    path, kind, _ = ports().archive.shelf(referral.id).document(report.sha256)
    _seen(system, resource_id, "Binary")
    return send_file(path, mimetype=kind, as_attachment=True, download_name=resource_id, max_age=0)


def _stored(system: System, kind: str, name: str, status: int) -> Response:
    """As the sender prefers it (`Prefer`), with where it stands and in which version."""
    at, referral = found.referral_of(ports(), system, name)
    resource = next((one for one in shown(ports(), referral, kind, at) if one["id"] == name), {})
    prefer = request.headers.get("Prefer", "")
    body: Resource | None = resource
    if "return=minimal" in prefer:
        body = None
    elif "return=OperationOutcome" in prefer:
        body = _outcome("information", "informational", "Stored.")
    answer = _said(body, status) if body is not None else Response(status=status)
    answer.headers["Location"] = f"{_base()}/{kind}/{name}"
    answer.headers["ETag"] = f'W/"{referral.version}"'
    _wake(referral)
    return answer


def _system(kind: str, letter: str) -> System:
    """The system behind the token, if it may do this on that type. Raises CallerRejected, NotAllowed."""
    accept = request.headers.get("Accept", "*/*")
    if not any(word in accept for word in ("json", "*/*", "application/*")) and kind != "Binary":
        raise NotAcceptable("This server speaks application/fhir+json.")
    system, scopes = bearer(request.headers.get("Authorization", ""))
    done.must(scopes, kind, letter)
    g.system = system.id
    return system


class NotAcceptable(ExchangeError):
    """A content type that we do not speak."""

    status = 406
    code = "not-supported"


class WrongContent(ExchangeError):
    """A content type that we do not read."""

    status = 415
    code = "not-supported"


def _sent(kind: str) -> Resource:
    """The resource in the body. Raises WrongContent, NotUnderstood."""
    if "json" not in (request.content_type or ""):
        raise WrongContent("Send application/fhir+json.")
    if (request.content_length or 0) > LARGEST:
        raise NotUnderstood(f"The body is larger than {LARGEST} bytes.")
    body = request.get_json(silent=True, force=True)
    if not isinstance(body, dict) or body.get("resourceType") != kind:
        raise NotUnderstood(f"The body is not a {kind} in JSON.")
    return body


def _base() -> str:
    return f"{ports().settings.base_url}/fhir"


def _seen(system: System, name: str, kind: str) -> None:
    """Every look of another system is in the audit."""
    with ports().store.transaction() as tx:
        tx.audit.write(ports().now(), done.party_of(system), "look", name.partition(".")[0], kind)


def _wake(referral: Referral) -> None:
    wake(referral.id)


def _said(resource: Resource, status: int = 200) -> Response:
    answer = jsonify(resource)
    answer.status_code = status
    answer.headers["Content-Type"] = f"{FHIR_JSON}; charset=utf-8"
    return answer


def _outcome(severity: str, code: str, text: str) -> Resource:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": code, "diagnostics": text}],
    }


@blueprint.errorhandler(Exception)
def refused(problem: Exception) -> Response:
    """Whatever goes wrong is told in FHIR."""
    if isinstance(problem, ExchangeError):
        return _said(_outcome("error", problem.code, str(problem)), problem.status)
    if isinstance(problem, CallerRejected):
        answer = _said(_outcome("error", "login", str(problem)), 401)
        answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        return answer
    if isinstance(problem, HTTPException):
        return _said(_outcome("error", "processing", problem.name), problem.code or 500)
    text = f"It could not be done just now ({reported(problem)})."
    return _said(_outcome("fatal", "exception", text), max(500, notice_of(problem).status))
