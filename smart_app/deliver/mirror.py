"""Charts that take everything get our ServiceRequest, ImagingStudy and Task too, kept in step with ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fhir.chart import Chart
from fhir.errors import ChartConflict
from fhir.filing import PROFILES
from smart_app import record
from smart_app.consent import kept_from_doctor
from smart_app.deliver.outcome import Done, Outcome
from smart_app.ports import Ports
from smart_app.referral import Status
from smart_app.store import Owed

OURS_ALONE = frozenset({"statusReason", "businessStatus", "output", "note", "bodySite"})
"""Elements that only we set: where we no longer say one, it goes."""
UNSENT = (Status.DRAFT, Status.GATHERING)


def mirror_referral(ports: Ports, owed: Owed) -> Outcome:
    """Bring the chart's copies to where the referral stands. Safe to repeat: each is found by our identifier."""
    with ports.store.reading() as tx:
        referral = tx.referrals.get(owed.referral_id)
    site = ports.directory.site(referral.site)
    if not PROFILES[site.profile].mirror:
        return Done("This chart keeps no copy of the referral.")
    if referral.status in UNSENT or referral.hidden or (kept_from_doctor(referral) and not referral.mirrored):
        return Done("Nothing to show yet.")
    chart = ports.charts.system(site.id)
    mirrored = dict(referral.mirrored or {})
    for name, resource in record.resources(referral, ports.directory, mirrored):
        mirrored[name] = _put(chart, resource, mirrored.get(name))
    with ports.store.transaction() as tx:
        latest = tx.referrals.get(referral.id)
        if latest.mirrored != mirrored:
            tx.referrals.save(replace(latest, mirrored=mirrored))
        if latest.version != referral.version and latest.status is not referral.status:
            tx.outbox.owe(referral.id, "mirror_referral", due=ports.now())
        tx.outbox.done(owed.id, "The chart's copies are in step.")
    return Done("The chart's copies are in step.")


def _put(chart: Chart, resource: dict[str, Any], known: str | None) -> str:
    identifier = resource["identifier"][0]
    token = f"{identifier.get('system', '')}|{identifier['value']}"
    if known is None:
        found = chart.search(resource["resourceType"], identifier=token).entries
        if not found:
            return chart.create(resource, if_none_exist=f"identifier={token}").reference
        known = f"{resource['resourceType']}/{found[0]['id']}"
    standing = chart.read(known)
    kept = {name: value for name, value in standing.items() if name not in OURS_ALONE}
    changed = {**kept, **resource, "id": standing["id"]}
    changed.pop("meta", None)
    if "meta" in resource:
        changed["meta"] = resource["meta"]
    if _same(changed, standing):
        return known
    version = standing.get("meta", {}).get("versionId")
    try:
        chart.update(changed, if_match=f'W/"{version}"' if version else None)
    except ChartConflict as conflict:
        raise ChartConflict(f"{known} was changed in the chart by somebody else.", status=conflict.status) from conflict
    return known


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    def bare(resource: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in resource.items() if k not in ("meta", "lastModified")}

    return bare(one) == bare(other)
