"""The table of docs/drivers.md or docs/clients.md, between its two marks."""

import collections
import datetime

END = "<!-- end of what is made -->"


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
    if outcome.bound:
        cells.append(f"{outcome.accepted} over {outcome.connections}")
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"


def table(side, outcomes, copies):
    counts = collections.Counter(outcome.verdict for outcome in outcomes)
    heads = [side.what.capitalize().removesuffix("s"), "Version", "Runtime", "Exercised", "Result", "Pins"]
    if any(outcome.bound for outcome in outcomes):
        heads.append("Connections over backends")
    head = "| " + " | ".join(heads) + " |\n|" + " --- |" * len(heads) + "\n"
    return (f"Run on {datetime.date.today().isoformat()} with {copies} copies: "
            f"{counts['ok']} {side.what} equal, {counts['FAIL']} not, {counts['skip']} not run. Pins are of all "
            f"copies together.\n\n{head}{''.join(map(row, outcomes))}")


def write(path, side, outcomes, copies):
    begin = f"<!-- made by {side.mark} -->"
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(begin)
    path.write_text(f"{before}{begin}\n\n{table(side, outcomes, copies)}\n{END}{rest.split(END)[1]}", encoding="utf-8")
