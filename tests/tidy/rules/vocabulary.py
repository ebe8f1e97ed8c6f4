"""The closed vocabulary, in the names of our own types, functions, variables and files."""

import re

from tree import LAYERS, Finding, code_only, line_of

NAME = "vocabulary"
WHY = "a word that fits everything tells nothing; client, backend, session, lease, waiter do"

_TYPE = re.compile(
    r"\b(?:class|struct|union|enum(?:\s+(?:class|struct))?|concept)\s+(?:\[\[\w+\]\]\s*)?([A-Za-z_]\w*)"
    r"(?:\s+final)?\s*(?=[:{<]|=)|\busing\s+([A-Za-z_]\w*)\s*=")
_DIRECTION = re.compile(r"\b\w*(?:upstream|downstream)\w*\b", re.IGNORECASE)
_IN_TYPES = {"manager", "handler", "helper", "helpers", "context", "util", "utils"}
_BARE = {"Connection", "Data", "Info", "Common", "Misc"}
_IN_FILES = {"manager", "handler", "helper", "helpers", "context", "util", "utils", "common",
             "misc", "upstream", "downstream"}


def _words(name):
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def check(tree):
    for path, text in tree.sources():
        code = code_only(text)
        for match in _TYPE.finditer(code):
            name = match[1] or match[2]
            bad = _words(name) & _IN_TYPES
            if bad or name in _BARE:
                yield Finding(f"{path}:{line_of(code, match.start())}: type {name}: "
                              f"say what it is, not {', '.join(sorted(bad)) or name}")
        for match in _DIRECTION.finditer(code):
            yield Finding(f"{path}:{line_of(code, match.start())}: {match[0]}: "
                          "say client or backend")
    for path in tree.sizes:
        parts = path.split("/")
        if parts[0] not in LAYERS + ("scripts",) or parts[:3] == ["tests", "fuzz", "corpus"]:
            continue
        for part in parts[1:]:
            bad = set(re.split(r"[_.-]", part.lower())) & _IN_FILES
            if bad:
                yield Finding(f"{path}: {part}: name the thing, not {', '.join(sorted(bad))}")


BAD = [{"server/x.hpp": line + "\n"} for line in (
    "class PoolManager {};", "struct ReadHandler final : X {};", "enum class HelperKind { a };",
    "using TlsContext = int;", "class StringUtils;\nclass StringUtils {};", "struct Connection {};",
    "int upstream_count;", "void to_downstream();", "class UpstreamPool {};")]
BAD += [{"server/utils/x.hpp": ""}, {"server/pool_manager.cpp": ""}, {"tests/common.py": ""}]
GOOD = [{"server/x.hpp": line + "\n"} for line in (
    "class Relay {};", "// The manager of the upstream.", "boost::asio::ssl::context tls;",
    "boost::asio::io_context loop;", "struct CopyData {};", "struct ConnectionLimits {};",
    'auto key = "upstream";', "void f(struct ssl_ctx_st* context);")]
GOOD += [{"docs/common.md": ""}, {"server/relay.cpp": ""}]
