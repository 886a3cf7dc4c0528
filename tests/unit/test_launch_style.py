"""The EHR's wish for how a page looks: fetched from the EHR alone, believed where it is a plain colour or length."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from launch import style
from launch.outbound import Outbound
from launch.style import NOTHING, Style, contrast, fetch_style, read_style
from tests.unit.launch_authority import Authority

EXAMPLE = {
    "color_background": "#edeae3",
    "color_error": "#9e2d2d",
    "color_highlight": "#69b5ce",
    "color_modal_backdrop": "",
    "color_success": "#498e49",
    "color_text": "#303030",
    "dim_border_radius": "6px",
    "dim_font_size": "13px",
    "dim_spacing_size": "20px",
    "font_family_body": "Georgia, Times, serif",
    "font_family_heading": "'HelveticaNeue-Light', Helvetica, Arial, sans-serif;",
}
"""The example of SMART App Launch 2.2, styling."""


@pytest.fixture
def authority() -> Iterator[Authority]:
    style.forget()
    with Authority() as authority:
        yield authority


def test_a_style_of_the_ehr_is_read_once_and_without_the_token(authority: Authority) -> None:
    http = Outbound(practice=True)
    authority.answers["/style.json"] = [(200, {"Cache-Control": "max-age=600"}, EXAMPLE)]
    for _ in "ab":
        found = fetch_style(f"{authority.url}/style.json", http=http, origins=(authority.iss,))
        assert found.color_highlight == "#69b5ce"
        assert found.dim_border_radius == "6px"
        assert found.color_modal_backdrop == ""
    assert len(authority.seen) == 1
    assert "authorization" not in authority.seen[0].headers


def test_a_style_elsewhere_is_not_asked_for(authority: Authority) -> None:
    """It would be a way to make us call any address."""
    http, elsewhere = Outbound(practice=True), authority.url.replace("127.0.0.1", "localhost")
    for url in (f"{elsewhere}/style.json", "file:///etc/passwd", "//x", "", None, f"{authority.url[:-1]}/x"):
        assert fetch_style(url, http=http, origins=(authority.iss,)) == NOTHING
    assert fetch_style("https://10.0.0.1/s.json", http=Outbound(), origins=("https://10.0.0.1",)) == NOTHING
    assert authority.seen == []


@pytest.mark.parametrize(
    "answer", [(404, {}, b""), (200, {}, b"<html>"), (200, {}, []), (302, {"Location": "http://127.0.0.2/"}, b"")]
)
def test_a_style_that_cannot_be_had_is_no_reason_to_stop(answer: tuple, authority: Authority) -> None:
    authority.answers["/style.json"] = [answer]
    assert fetch_style(f"{authority.url}/style.json", http=Outbound(practice=True), origins=(authority.iss,)) == NOTHING


@pytest.mark.parametrize(
    "value",
    [
        "red; background: url(https://evil.example/x)",
        "#12345",
        "#gggggg",
        "url(#x)",
        "expression(alert(1))",
        "#fff}body{display:none",
        "\\23 fff",
        7,
        None,
        ["#fff"],
    ],
)
def test_only_plain_colours_and_lengths_are_believed(value: object) -> None:
    assert read_style(dict.fromkeys(EXAMPLE, value)) == NOTHING


def test_colours_are_written_whole_and_their_contrast_is_that_of_wcag() -> None:
    assert read_style({"color_text": " #ABC "}) == Style(color_text="#aabbcc")
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1
