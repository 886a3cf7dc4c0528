"""The report as a person reads it in a terminal."""

from __future__ import annotations

import textwrap

from smart_app.checking.report import HELD, Report

WIDTH = 100
SIGNS = {"error": "!!", "warning": " !", "info": "  "}


def in_words(report: Report) -> str:
    """The whole report, at most 100 columns wide."""
    lines = [report.base, f"FHIR release {report.version or 'unknown'}", "", "Getting in"]
    smart = report.smart
    for label, name in (
        ("launch from the chart", "launch_ehr"),
        ("launch on its own", "launch_standalone"),
        ("sign-in by our own key", "backend_services"),
    ):
        lines.append(_row(label, _answer(smart.get(name)), ""))
    if report.reads:
        lines += ["", "Reading"]
        lines += [_row(a.name, "yes" if a.possible else "no", a.why) for a in report.reads]
    lines += ["", "Writing the opinion back"]
    lines += [
        _row(f"{number}. {rung.resource}", "yes" if rung.possible else "no", rung.why)
        for number, rung in enumerate(report.rungs, 1)
    ]
    lines.append(
        _row(f"{len(report.rungs) + 1}. {HELD}", "yes", "Held in the app; a person files the PDF and says so.")
    )
    lines += ["", f"Chosen: {report.chosen}"]
    if report.findings:
        lines.append("")
        lines += [_finding(severity, text) for severity, text in report.findings]
    return "\n".join(lines)


def _answer(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, "not said") if isinstance(value, bool) else "not said"


def _row(label: str, answer: str, why: str) -> str:
    head = f"  {label:<24}{answer:<10}"
    if not why:
        return head.rstrip()
    return textwrap.fill(why, WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False)


def _finding(severity: str, text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=f"{SIGNS[severity]} ", subsequent_indent="   ")
