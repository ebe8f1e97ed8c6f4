"""One table for people and one file for programs."""

import json
import statistics


def figure(value):
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def spread(values):
    if not values:
        return "-"
    text = figure(statistics.median(values))
    return text if len(values) == 1 else f"{text} [{figure(min(values))}-{figure(max(values))}]"


class Line:
    """One row of the table, the first contestant's figures against the second's."""

    def __init__(self, scenario, row, first, second):
        self.name = f"{scenario.name} {row.name}"
        self.unit, self.target = row.unit, row.target
        self.first, self.second = first, second
        self.value = statistics.median(first) if first else None
        other = statistics.median(second) if second else None
        self.ratio = self.value / other if self.value is not None and other else None

    def verdict(self):
        """What the target is, and whether it was reached; nothing where nothing was asked."""
        if not self.target:
            return ""
        kind, sense, bound = self.target
        got = self.ratio if kind == "ratio" else self.value
        wanted = f"{'x' if kind == 'ratio' else ''}{sense} {bound:g}"
        if got is None:
            return wanted
        got = float(f"{got:.3g}")  # As it is shown.
        reached = got <= bound if sense == "<=" else got >= bound
        return f"{wanted} {'yes' if reached else 'NO'}"

    def cells(self):
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}"
        return [self.name, self.unit, spread(self.first), spread(self.second), ratio,
                self.verdict()]


def table(labels, lines):
    rows = [["scenario", "unit", *labels, "ratio", "target"], *(line.cells() for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def text(row):
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"

    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([text(rows[0]), rule, *(text(row) for row in rows[1:])])


def write_json(path, about, tables):
    document = {**about, "tables": [
        {"labels": labels, "rows": [
            {"name": line.name, "unit": line.unit, "runs": [line.first, line.second],
             "ratio": line.ratio, "target": line.target} for line in lines]}
        for labels, lines in tables]}
    with open(path, "w") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
