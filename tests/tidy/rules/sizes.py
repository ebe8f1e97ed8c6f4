"""No file of more than one MiB: history keeps it for ever."""

from tree import Finding

NAME = "sizes"
WHY = "a clone carries every version of every file"
BYTES = 1024 * 1024


def check(tree):
    for path, size in sorted(tree.sizes.items()):
        if size > BYTES:
            yield Finding(f"{path}: {size} bytes, at most {BYTES}")


BAD = [{"tests/golden/x.txt": "x" * (BYTES + 1)}]
GOOD = [{"tests/golden/x.txt": "x" * BYTES}]
