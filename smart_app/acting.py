"""May this person act for that patient today? Asked of the chart at each launch, and before each letter to them.

Rule: who may act is the hospital's to say. Its portal says so by the launch itself; its RelatedPerson can take it back.
A right that cannot be looked up is good for a launch, which the portal vouches for, and for no letter of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fhir.chart import Chart
from fhir.errors import ChartError, ChartUnavailable, NotInChart
from fhir.related import read_related_person


@dataclass(frozen=True)
class Right:
    """`ended`: the chart says that they may not, and `why`. `proven`: it says that they may."""

    ended: bool = False
    proven: bool = False
    why: str = ""
    name: str = ""
    relationship: str = ""
    email: str = ""


def right_to_act(chart: Chart, person: str, patient: str, on: date) -> Right:
    """What the chart says of `person` ("RelatedPerson/1") acting for `patient` ("Patient/1") on that day.

    Raises ChartUnavailable, LaunchError: then it cannot be known now.
    """
    if not person.startswith("RelatedPerson/"):
        return Right(why="the chart does not say for whom this person acts")
    try:
        found = read_related_person(chart.read(person))
    except NotInChart:
        return Right(ended=True, why="is not in the chart any more")
    except ChartUnavailable:
        raise
    except ChartError:
        return Right(why="the chart does not show us who acts for its patients")
    if found.patient != patient.rpartition("/")[2]:
        return Right(ended=True, why="acts for another patient")
    if not found.holds(on):
        return Right(ended=True, why="may not act any more" if found.active else "is no longer active")
    return Right(proven=True, name=found.name, relationship=found.relationship, email=found.email)
