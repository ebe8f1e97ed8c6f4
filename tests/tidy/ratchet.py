"""Measures with a limit, and a list of what exceeded it when it was written down: an entry may only
shrink and go."""

from tree import Finding


def check(tree, path, key_words, sizes, unit):
    """`sizes`: (size, limit, line) by key, which begins with the file's path and a colon, if not
    with that alone. `key_words`: how an entry is written."""
    allowed = {}
    for number, line in enumerate(tree.texts.get(path, "").splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            parts = line.split()
            if len(parts) < 2 or not parts[1].isdigit():
                yield Finding(f"{path}:{number}: write `{key_words} {unit}`")
                continue
            allowed[parts[0]] = int(parts[1])
    for key, (size, limit, line) in sorted(sizes.items()):
        bound = allowed.pop(key, None)
        if size > (bound or limit):
            yield Finding(f"{key.split(':')[0]}:{line}: {key} has {size} {unit}, "
                          f"at most {bound or limit}: split it")
        elif bound and size <= limit:
            yield Finding(f"{path}: {key} is small enough now: take its entry out")
        elif bound and size < bound:
            yield Finding(f"{path}: {key} has shrunk: write {size} for it")
    for key in allowed:
        yield Finding(f"{path}: {key} does not exist: take its entry out")
