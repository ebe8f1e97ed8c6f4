"""Reading Prometheus' text format, as far as one program's own metrics need it."""

import re
import urllib.request

_SAMPLE = re.compile(r'^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def fetch(url, seconds=5.0):
    """The page as text, or None when nobody answers with 200."""
    try:
        # No proxy of the environment stands between us and loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=seconds) as reply:
            return reply.read().decode()
    except OSError:
        return None


def samples(text):
    """All samples as (name, labels, value)."""
    result = []
    for line in text.splitlines():
        match = _SAMPLE.match(line)
        if match:
            labels = dict(_LABEL.findall(match[2] or ""))
            result.append((match[1], labels, float(match[3])))
    return result


def total(all_samples, name, **wanted):
    """The sum over all samples of that name whose labels have the wanted values."""
    return sum(value for sample, labels, value in all_samples
               if sample == name and all(labels.get(k) == v for k, v in wanted.items()))


def histogram(all_samples, name, **wanted):
    """Cumulative buckets [(bound, count)], summed over all other labels, in rising order."""
    counts = {}
    for sample, labels, value in all_samples:
        if sample == name + "_bucket" and all(labels.get(k) == v for k, v in wanted.items()):
            bound = float(labels["le"])
            counts[bound] = counts.get(bound, 0.0) + value
    return sorted(counts.items())


def quantile(buckets, q):
    """The value below which the share q of all observations lies, by linear interpolation.

    None when nothing was observed. What lies above the last finite bound counts as that bound.
    """
    if not buckets or buckets[-1][1] <= 0:
        return None
    rank = q * buckets[-1][1]
    below_bound, below_count = 0.0, 0.0
    for bound, count in buckets:
        if count >= rank and count > below_count:
            if bound == float("inf"):
                return below_bound
            return below_bound + (bound - below_bound) * (rank - below_count) / (count - below_count)
        below_bound, below_count = bound, count
    return below_bound
