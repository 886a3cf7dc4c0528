"""The operator's hospitals: the list, one hospital, the form that describes it, the walk, and the switch that stops it.

A secret goes into a form and never comes back out of one. Sites of the directory file are shown and tested here, and
changed in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response

from fhir.filing import PROFILES
from launch.issuers import AUTH_METHODS
from smart_app.connect import keep, shown
from smart_app.connect.fields import FIELDS, flat
from smart_app.connect.finding import Finding, from_json
from smart_app.connect.prove import prove
from smart_app.connect.templates import templates
from smart_app.sites import STAGES, Site, SiteError, SiteUnfit
from smart_app.web import site_fields, site_words
from smart_app.web.answers import moved, page
from smart_app.web.errors import error_state, notice_of
from smart_app.web.here import doors
from smart_app.web.phrases import VERB
from smart_app.web.sessions import current_line, ports

blueprint = Blueprint("sites", __name__, url_prefix="/line/<line_id>/sites")

CHOICES = {
    "profile": tuple(PROFILES),
    "stage": STAGES,
    "note_status": ("preliminary", "final"),
    "can_look": ("", "yes", "no"),
    "auth": ("", *AUTH_METHODS),
    "signing_alg": ("", "RS384", "ES384"),
}
"""Fields, or parts of a registration, that are chosen from a list."""

VERB.update(
    {
        "add-site": _("added a hospital"),
        "change-site": _("changed a hospital"),
        "disable-site": _("disabled a hospital"),
        "enable-site": _("enabled a hospital"),
        "test-site": _("tested a hospital"),
        "import-brands": _("imported names of hospitals"),
        "forget-brands": _("removed names of hospitals"),
    }
)
"""What the audit says of it, beside the other acts."""


@blueprint.get("")
def index() -> Response:
    """Every hospital, and the bundles patients search."""
    line = current_line()
    found = shown.rows(ports())
    with ports().store.reading() as tx:
        bundles = tx.brands.bundles()
    done = request.args.get("done", "")
    return page(
        "operator/sites.html", {"sites": found}, sites=found, bundles=bundles, done=done, who=line.party, **_words()
    )


@blueprint.get("/<site_id>")
def one(site_id: str) -> Response:
    """One hospital: what to register there, how it is described, what the last walk found."""
    current_line()
    return _one_page(site_id)


def _one_page(site_id: str, walked: list[Finding] | None = None) -> Response:
    """`walked`: what was just found at a site of the file, which keeps no result."""
    found = shown.whole(ports(), site_id)
    site = ports().directory.site(site_id)
    told = {name: text for name, text in found["fields"].items() if name != "note_status" or _takes_drafts(site)}
    with ports().store.reading() as tx:
        kept = tx.sites.get(site_id) if found["kept"] == "database" else None
    return page(
        "operator/site.html",
        found,
        found=found,
        told=told,
        kept=kept,
        walk=from_json(kept.test) if kept else walked,
        **_words(),
    )


def _takes_drafts(site: Site) -> bool:
    return PROFILES[site.profile].doc_status == "preliminary"


@blueprint.post("/<site_id>/test")
def test(site_id: str) -> Response:
    """Walk there now; the person waits for it."""
    line = current_line()
    walked = prove(ports(), line.party, site_id, doors().keys)
    if shown.whole(ports(), site_id)["kept"] == "database":
        return moved("sites.one", site_id=site_id, _anchor="walk")
    return _one_page(site_id, walked)


# -- described -------------------------------------------------------------------------------------------------------


@blueprint.get("/new")
def new() -> Response:
    """Which kind of EHR it is; then its form, with what is known of that kind filled in."""
    current_line()
    kind = request.args.get("template", "")
    if kind not in templates():
        return page("operator/site_new.html", {"templates": list(templates())}, kinds=templates().values(), **_words())
    return _form_page(keep.blank(kind), flat(keep.blank(kind)), "", 0)


@blueprint.post("/new")
def add() -> Response:
    """Keep it, or come back with what is wrong."""
    line = current_line()
    given, site_id = _given(), request.form.get("id", "").strip()
    base = keep.blank(given.get("template", ""))
    try:
        keep.add_site(ports(), line.party, site_id, base.template, given)
    except SiteError as problem:
        return _form_page(base, flat(base) | given, site_id, 0, problem)
    return moved("sites.one", site_id=site_id)


@blueprint.get("/<site_id>/edit")
def edit(site_id: str) -> Response:
    """The form, as the site is now."""
    current_line()
    kept = keep.kept_site(ports(), site_id)
    return _form_page(kept.site, flat(kept.site), site_id, kept.version, sealed=kept.sealed)


@blueprint.post("/<site_id>/edit")
def change(site_id: str) -> Response:
    """Keep the changes, or come back with what is wrong; nothing is saved over somebody else's change."""
    line = current_line()
    given, version = _given(), request.form.get("version", 0, type=int)
    try:
        keep.change_site(ports(), line.party, site_id, given, version)
    except SiteError as problem:
        kept = keep.kept_site(ports(), site_id)
        return _form_page(kept.site, flat(kept.site) | given, site_id, version, problem, kept.sealed)
    return moved("sites.one", site_id=site_id)


def _given() -> dict[str, str]:
    """The fields of the form. An empty secret is no secret; readers are ticked one by one."""
    form = request.form
    given = {name: form[name] for name in FIELDS if name in form and (form[name] or not name.endswith("_secret"))}
    if "readers_shown" in form:
        given["readers"] = " ".join(form.getlist("readers"))
    return given


def _form_page(
    site: Site,
    values: Mapping[str, str],
    site_id: str,
    version: int,
    problem: SiteError | None = None,
    sealed: Mapping[str, str] | None = None,
) -> Response:
    codes = problem.fields if isinstance(problem, SiteUnfit) else {}
    faults = {name: gettext(site_fields.fault_words(code)) for name, code in codes.items()}
    state: dict[str, Any] = {"id": site_id, "version": version}
    if problem is not None:
        state["error"] = error_state(problem)
    status = 200 if problem is None else 422 if faults else notice_of(problem).status
    return page(
        "operator/site_form.html",
        state,
        status=status,
        site=site,
        site_id=site_id,
        version=version,
        values={name: "" if name.endswith("_secret") else text for name, text in values.items()},
        sealed=sealed or {},
        faults=faults,
        faults_told=[(name, _called(name), words) for name, words in faults.items()],
        refused=str(problem) if problem and not faults else "",
        readers=[o for o in ports().directory.organisations if o.role == "expert"],
        choices_of=CHOICES,
        listed=_listed,
        template_options=[("", gettext("another")), *((kind.id, kind.name) for kind in templates().values())],
        **_words(),
    )


def _called(name: str) -> str:
    """A field, with where it stands: one hospital has six client ids."""
    words = site_fields.label(name) if name in FIELDS else (site_fields.SHORT_NAME,)
    return ", ".join(gettext(part) for part in words)


def _listed(values: tuple[str, ...]) -> list[tuple[str, str]]:
    """The options of a menu; the empty one leaves it to the usual."""
    usual = gettext("as usual")
    return [
        (value, gettext(site_fields.CHOICE[value]) if value in site_fields.CHOICE else value or usual)
        for value in values
    ]


# -- stopped and let in again ----------------------------------------------------------------------------------------


@blueprint.get("/<site_id>/disable")
def stopping(site_id: str) -> Response:
    """What disabling does, before it is done."""
    current_line()
    return _stop_page(site_id)


@blueprint.post("/<site_id>/disable")
def disable(site_id: str) -> Response:
    """Nobody comes in from there any more, and nothing is sent."""
    line = current_line()
    reason = " ".join(request.form.get("reason", "").split())
    if not reason:
        return _stop_page(site_id, {"reason": "missing"})
    keep.disable_site(ports(), line.party, site_id, reason)
    return moved("sites.index", done="disabled")


@blueprint.post("/<site_id>/enable")
def enable(site_id: str) -> Response:
    """People come in again."""
    line = current_line()
    keep.enable_site(ports(), line.party, site_id)
    return moved("sites.one", site_id=site_id)


def _stop_page(site_id: str, faults: dict[str, str] | None = None) -> Response:
    site = keep.kept_site(ports(), site_id).site
    state: dict[str, Any] = {"id": site_id}
    return page("operator/site_stop.html", state, status=422 if faults else 200, site=site, faults=faults or {})


def _words() -> dict[str, Any]:
    return {"said": site_words, "form_of": site_fields, "tell": tell}


def tell(code: str, facts: Mapping[str, str]) -> str:
    """A finding or a cause, in the language of the page."""
    words, named = site_words.sentence(code, facts)
    return str(gettext(words, **named))
