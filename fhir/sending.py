"""The one write of a version: which resource, created or brought up to date, alone or in a transaction.

Every resource is checked before it is sent. Preconditions (If-None-Exist, If-Match) go along where the profile says
that the chart honours them; they are a second net, the look before is the first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fhir.chart import Chart, Written
from fhir.check import check
from fhir.errors import ChartConflict, ChartRefused
from fhir.profiles import Profile
from fhir.report import (
    OpinionFacts,
    agreement_observation,
    communication,
    diagnostic_report,
    document_reference,
    observation_url,
)
from fhir.standing import find, same_patient, version_of
from fhir.statement import interactions
from fhir.wire import type_and_id

Resource = dict[str, Any]
BY_HAND = "This chart does not let us take our document back. Mark it as an error there by hand."


def send(
    chart: Chart,
    profile: Profile,
    facts: OpinionFacts,
    rung: str,
    statement: Resource | None,
    companions: tuple[Resource, ...],
) -> Written:
    """Write this version on this rung; answers where it stands. Raises what the chart raises, and InvalidResource."""
    if facts.status == "entered-in-error" and rung != "DiagnosticReport":
        return _take_back(chart, profile, facts, rung)
    if rung == "DiagnosticReport":
        return _write_report(chart, profile, facts, statement, companions)
    if rung == "Communication":
        return _create(chart, profile, communication(facts))
    if facts.version > 1 and profile.revise == "update" and profile.look_by == "content":
        earlier = type_and_id(facts.replaces, "DocumentReference")
        if earlier:
            try:
                return _update_document(chart, profile, facts, earlier)
            except ChartConflict:
                raise
            except ChartRefused:
                facts = replace(facts, replaces=None)  # a clear no to the update: a document of its own beside it
    return _create(chart, profile, document_reference(facts, profile))


def _create(chart: Chart, profile: Profile, resource: Resource) -> Written:
    check(resource)
    query = None
    if profile.conditional_create and resource.get("identifier"):
        key = resource["identifier"][0]
        query = f"identifier={key['system']}|{key['value']}"
    return chart.create(resource, if_none_exist=query)


def _update_document(chart: Chart, profile: Profile, facts: OpinionFacts, earlier: str) -> Written:
    """Over the earlier version, in its own visit, only if nobody changed it since we read it."""
    standing = chart.read(earlier)
    if not same_patient(standing, facts.subject):
        raise ChartConflict(f"{earlier} is no longer in this patient's chart. Look at it at once.")
    context = standing.get("context")
    visits = context.get("encounter") if isinstance(context, dict) else None
    facts = replace(facts, encounter=visits[0].get("reference") if visits else None)
    resource = {**document_reference(facts, profile), "id": standing["id"]}
    if standing.get("identifier"):
        resource["identifier"] = standing["identifier"]
    check(resource)
    return chart.update(resource, if_match=_etag(standing, profile))


def _take_back(chart: Chart, profile: Profile, facts: OpinionFacts, rung: str) -> Written:
    """Mark the document that stands there; a document made only to say that it is an error helps nobody."""
    allowed = rung == "DocumentReference" and profile.can_look and profile.revise == "update"
    standing = find(chart, profile, facts, rung) if allowed else None
    if standing is None:
        raise ChartRefused(BY_HAND)
    return _update_document(chart, profile, facts, f"DocumentReference/{standing['id']}")


def _write_report(
    chart: Chart, profile: Profile, facts: OpinionFacts, statement: Resource | None, companions: tuple[Resource, ...]
) -> Written:
    """Create the report, or bring the one that stands there to this version; with companions in a transaction."""
    standing = find(chart, profile, facts, "DiagnosticReport")
    if standing is None and facts.status == "entered-in-error":
        raise ChartRefused(BY_HAND)
    if standing is not None and (version_of(standing, facts.referral_id) or 0) > facts.version:
        raise ChartConflict("A newer version of this opinion stands in the chart.")
    if profile.transaction and statement is not None and "transaction" in interactions(statement, ""):
        return _transact(chart, profile, facts, standing, companions)
    if standing is None:
        return _create(chart, profile, diagnostic_report(facts))
    known = _result(standing)
    report = {**diagnostic_report(facts, agreement=known or ""), "id": standing["id"]}
    check(report)
    if known:
        # Grade first: a repeat after a break brings both in step, and an old grade never stands beside new words.
        chart.update({**agreement_observation(facts), "id": known.rpartition("/")[2]})
    return chart.update(report, if_match=_etag(standing, profile))


def _transact(
    chart: Chart, profile: Profile, facts: OpinionFacts, standing: Resource | None, companions: tuple[Resource, ...]
) -> Written:
    observation = agreement_observation(facts)
    known = _result(standing)
    url = known or observation_url(facts)
    report = diagnostic_report(facts, agreement=url)
    entries = [_post(companion) for companion in companions]
    if known:
        entries.append(_put({**observation, "id": known.rpartition("/")[2]}, None))
    else:
        entries.append({"fullUrl": url, **_post(observation)})
    if standing is None:
        entries.append(_post(report))
    else:
        entries.append(_put({**report, "id": standing["id"]}, _etag(standing, profile)))
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    check(bundle)
    return chart.transaction(bundle)[-1]


def _result(standing: Resource | None) -> str | None:
    """The agreement Observation of an earlier version, where it stands on its own."""
    results = (standing or {}).get("result") or ()
    return next((r for r in (type_and_id(one.get("reference"), "Observation") for one in results) if r), None)


def _post(resource: Resource) -> Resource:
    request = {"method": "POST", "url": resource["resourceType"]}
    if resource.get("identifier"):
        key = resource["identifier"][0]
        request["ifNoneExist"] = f"identifier={key['system']}|{key['value']}"
    return {"resource": resource, "request": request}


def _put(resource: Resource, etag: str | None) -> Resource:
    request = {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
    if etag:
        request["ifMatch"] = etag
    return {"resource": resource, "request": request}


def _etag(standing: Resource, profile: Profile) -> str | None:
    version = standing.get("meta", {}).get("versionId")
    return f'W/"{version}"' if profile.if_match and version else None
