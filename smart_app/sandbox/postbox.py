"""The pages of the practice mailbox: every letter the app sent, with its links to press."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, abort, jsonify, render_template, request

from smart_app.sandbox.town import Town


def join(app: Flask, town: Town) -> None:
    """Add the routes."""

    @app.get("/mailbox")
    @app.get("/mailbox/")
    def mailbox() -> Any:
        letters = list(reversed(town.mailbox.letters(request.args.get("to", ""))))
        if "application/json" in request.headers.get("Accept", ""):
            return as_json(letters)
        return render_template("mailbox.html", house=None, letters=letters)

    @app.get("/mailbox/<int:number>")
    def letter(number: int) -> str:
        found = [one for one in town.mailbox.letters() if one.number == number]
        if not found:
            abort(404)
        return render_template("letter.html", house=None, letter=found[0])


def as_json(letters: list[Any]) -> Response:
    """The letters for programs, newest first, each with its links."""
    return jsonify({"letters": [{**vars(letter), "links": letter.links} for letter in letters]})
