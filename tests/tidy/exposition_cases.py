"""Tests of scripts/lib/exposition.py: the quickstart's percentiles come from it."""

import exposition

PAGE = """# HELP sluice_pool_wait_seconds Time in line.
# TYPE sluice_pool_wait_seconds histogram
sluice_pool_wait_seconds_bucket{database="app",user="a",le="0.001"} 50
sluice_pool_wait_seconds_bucket{database="app",user="a",le="0.01"} 90
sluice_pool_wait_seconds_bucket{database="app",user="a",le="+Inf"} 100
sluice_pool_wait_seconds_sum{database="app",user="a"} 0.4
sluice_pool_backends{database="app",state="idle"} 7
sluice_pool_backends{database="app",state="active"} 3
sluice_pool_backends{database="o\\"{,}",state="active"} 2
"""
INFINITY = float("inf")


def tests():
    """(name, faults) of each test."""
    page = exposition.samples(PAGE)
    waits = exposition.histogram(page, "sluice_pool_wait_seconds", database="app")
    expected = [
        ("histogram", waits, [(0.001, 50.0), (0.01, 90.0), (INFINITY, 100.0)]),
        ("total", exposition.total(page, "sluice_pool_backends", database="app"), 10.0),
        ("total_of_all", exposition.total(page, "sluice_pool_backends"), 12.0),
        ("quantile_at_a_bound", exposition.quantile(waits, 0.5), 0.001),
        ("quantile_between_bounds", round(exposition.quantile(waits, 0.7), 9), 0.0055),
        ("quantile_in_the_first_bucket", exposition.quantile(waits, 0.25), 0.0005),
        ("quantile_beyond_the_last_bound", exposition.quantile(waits, 0.99), 0.01),
        ("quantile_of_nothing", exposition.quantile([(1.0, 0.0), (INFINITY, 0.0)], 0.5), None),
        ("quantile_without_buckets", exposition.quantile([], 0.5), None),
    ]
    return [(f"exposition.{name}", [] if got == want else [f"{got!r} instead of {want!r}"])
            for name, got, want in expected]
