"""The product's worker with short waits. Nothing but the length of its waits differs from what a hospital runs."""

from __future__ import annotations

import logging
import os
from datetime import timedelta

from smart_app import worker
from smart_app.app import join
from smart_app.deliver import chart
from smart_app.settings import read_settings

chart.LOOK_AGAIN = timedelta(seconds=0.3)
worker.FIRST_WAIT = timedelta(seconds=0.2)
worker.LONGEST_WAIT = timedelta(seconds=0.4)
worker.LONGEST_ASKED_WAIT = timedelta(seconds=0.5)
worker.SWEEP_EVERY = 0.3
worker.LOOK_EVERY = 3.0

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    worker.run(read_settings(os.environ), join)
