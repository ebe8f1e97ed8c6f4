"""The list of tests. A test is a function that is given the rig and raises when it is not content."""

CASES = []


class Case:
    def __init__(self, function, short, full=False):
        self.name = f"{function.__module__.removeprefix('test_')}.{function.__name__}"
        self.function, self.short, self.full = function, short, full


def case(function=None, *, short=True, full=False):
    """Marks a test; short=False keeps it out of `--short`, full=True out of all but `--full`."""
    def mark(marked):
        CASES.append(Case(marked, short, full))
        return marked
    return mark(function) if function else mark
