"""The table of docs/drivers.md, between its two marks."""

import collections
import datetime

BEGIN, END = "<!-- made by tests/drivers/run --write-docs -->", "<!-- end of what is made -->"
HEAD = ("| Driver | Version | Runtime | Exercised | Result | Pins |\n"
        "| --- | --- | --- | --- | --- | --- |\n")


def result(outcome):
    if outcome.verdict == "skip":
        return "not run: " + outcome.words
    if outcome.verdict == "FAIL":
        return "**differs**"
    words = "equal"
    if outcome.known:
        words += ", but for " + "; ".join(f"{step} ({reason})" for step, reason in outcome.known.items())
    if outcome.left_out:
        words += "; left out: " + "; ".join(f"{step} ({reason})" for step, reason in outcome.left_out.items())
    return words


def row(outcome):
    pins = ", ".join(f"{count} {reason}" for reason, count in sorted(outcome.pins.items())) or "none"
    if not outcome.version:
        pins = ""
    cells = [outcome.driver, outcome.version, outcome.runtime, ", ".join(outcome.features),
             result(outcome), pins]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"


def table(outcomes, copies):
    counts = collections.Counter(outcome.verdict for outcome in outcomes)
    return (f"{BEGIN}\n\nRun on {datetime.date.today().isoformat()} with {copies} copies: "
            f"{counts['ok']} drivers equal, {counts['FAIL']} not, {counts['skip']} not run. Pins are of all "
            f"copies together.\n\n{HEAD}{''.join(map(row, outcomes))}\n{END}")


def write(path, outcomes, copies):
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    path.write_text(before + table(outcomes, copies) + rest.split(END)[1], encoding="utf-8")
