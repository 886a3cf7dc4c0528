"""`make demo`: the whole house, and a short list of what to click."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from types import FrameType

from smart_app.house import Addresses, House, HouseWontStart

WHAT_TO_CLICK = """
Second Opinion is running on this machine. All people and places in it are invented.

  The practice EHR     {ehr}/
    an Epic-like chart     {ehr}/epic/
    an Oracle-like chart   {ehr}/oracle/
    an open chart          {ehr}/open/
    → open a patient, press “Second Opinion”, ask one question, send.
  The patient portal   {ehr}/portal/
    → sign in as that patient, press “Get a second opinion”, add pictures in three steps.
      Pictures to give: the portal's “Download my disc”.
  The expert           {app}/sign-in/northlight
    → take the case, look at the pictures, write, sign.
  The operator         {app}/sign-in/desk
    → what waits for a person, and who did what.
  Letters that were sent   {ehr}/mailbox

Then open the chart again: the opinion is there, and waits to be read.
Ctrl-C stops everything; started again it goes on where it was. “make clean” forgets it all.
"""


def run_demo(folder: Path, port: int) -> int:
    """Start, say what to click, and wait for Ctrl-C. Answers the exit status."""
    house = House(folder.absolute(), Addresses.from_port(port))
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        with house:
            print(WHAT_TO_CLICK.format(ehr=house.addresses.ehr_base, app=house.addresses.app_base), flush=True)
            return _watch(house)
    except HouseWontStart as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. “make demo” goes on where it was.", file=sys.stderr)
        return 0


def _watch(house: House) -> int:
    """A part that died is started again, as a supervisor would."""
    while True:
        time.sleep(0.5)
        for part in house.dead():
            print(f"The {part} ended; starting it again. Its log: {house.folder / part}.log", file=sys.stderr)
            house.start_part(part)


def _as_ctrl_c(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
