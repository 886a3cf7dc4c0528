"""The only door to fhir.resources, pinned to R4B: on the wire its resources are those of R4 4.0.1.

The library checks shape: names, cardinality, primitive formats. Codes, targets and invariants are `fhir.check`'s.
"""

from __future__ import annotations

from typing import Any


def shape_faults(resource: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, fault) for everything that is not R4 in shape; empty where it is clean. Raises nothing."""
    from pydantic import ValidationError

    from fhir.resources.R4B import get_fhir_model_class  # noqa: TID251

    kind = resource.get("resourceType")
    try:
        model = get_fhir_model_class(str(kind))
        model.model_validate(resource)
    except ValidationError as problem:
        return [(_path(str(kind), e["loc"]), e["msg"]) for e in problem.errors(include_input=False)]
    except (ValueError, KeyError, TypeError) as problem:
        # A contained resource of an unknown type is a bare KeyError.
        return [(str(kind), f"not an R4 resource: {problem}")]
    return []


def _path(kind: str, steps: tuple[int | str, ...]) -> str:
    return kind + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
