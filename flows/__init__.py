"""Orchestration with Prefect. Nothing here knows about text: a task calls one function of `pipeline`."""
