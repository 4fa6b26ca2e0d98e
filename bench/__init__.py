"""Benchmarks: what the figures in the README and the release notes come from."""
