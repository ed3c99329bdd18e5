"""Stands in for the process of a suspected job: `never begins` and `never ends` are what a claim's request may be."""

import sys
import time

from workers.alone import CLAIM

request = CLAIM.validate_json(sys.stdin.readline()).request
if request != "never begins":
    sys.stdout.write("{}\n")
    sys.stdout.flush()
time.sleep(600)
