"""Runs a program and says on standard error how large it grew: `python peak.py PROGRAM ARGUMENT...`."""

import os
import sys

process = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(process, 0)
print(f"peak_mb={usage.ru_maxrss / 1024:.1f}", file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
