"""The list of tests. A test is a function that is given the rig and raises when it is not content."""

CASES = []


class Case:
    def __init__(self, function, short):
        self.name = f"{function.__module__.removeprefix('test_')}.{function.__name__}"
        self.function, self.short = function, short


def case(function=None, *, short=True):
    """Marks a test; short=False keeps it out of `--short`."""
    def mark(marked):
        CASES.append(Case(marked, short))
        return marked
    return mark(function) if function else mark
