"""
What the store survives: killed processes, failing steps, full and broken disks.

`world.py` holds the raw folders, and what the tables must be, worked out anew; `steps.py` names each step of a run.
"""
