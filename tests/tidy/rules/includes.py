"""Who may include what: the table of the house style."""

import posixpath
import re

from tree import Finding, line_of

NAME = "includes"
WHY = "a layer that knows only what lies below it can be tested without what lies above"

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)

OWN = {
    "protocol": {"protocol"},
    "pool": {"pool"},
    "config": {"config"},
    "server": {"protocol", "pool", "config", "server"},
    "tests": {"protocol", "pool", "config", "server", "tests", "bench"},
    "bench": {"protocol", "pool", "config", "server", "bench"},
}
# Single headers of another layer.
OWN_EXTRA = {
    "pool": {"protocol/assert.hpp"},
    "config": {"pool/limits.hpp"},
}
LIBRARIES = {
    "protocol": ("boost/system/", "boost/endian/"),
    "pool": ("boost/system/",),
    "config": (),
}
_THREADS = {"thread", "mutex", "shared_mutex", "condition_variable", "future", "semaphore", "latch",
            "barrier", "stop_token"}
_OUTSIDE = {"iostream", "fstream", "filesystem", "cstdio", "ctime", "regex"}
STANDARD_NOT = {
    "protocol": _THREADS | _OUTSIDE | {"atomic"},
    # A lock on a cold path is the pool's affair; threads of its own are not.
    "pool": (_THREADS - {"mutex", "shared_mutex"}) | _OUTSIDE,
    "config": _THREADS | {"regex"},
}
# In server/: who else may see a library.
CONFINED = [
    (re.compile(r"pg_query"), "server/sql/"),
    (re.compile(r"libpq|postgres_ext|hiredis"), "server/probe/"),
    (re.compile(r"prometheus/"), "server/metrics/"),
    (re.compile(r"toml\+\+"), "config/toml_"),
]


def _fault_of_own(path, layer, header):
    if header.startswith("."):
        return "write the path from the root of the tree"
    top = header.split("/")[0]
    if "/" not in header or top not in OWN:
        return "write the path from the root of the tree"
    if top in OWN[layer] or header in OWN_EXTRA.get(layer, ()):
        return None
    if path == "protocol/assert.cpp":
        return None
    return f"{layer}/ does not include {top}/"


def _fault_of_library(path, layer, header):
    for pattern, place in CONFINED:
        if layer not in ("tests", "bench") and pattern.search(header):
            return None if path.startswith(place) else f"only {place}* sees this library"
    if layer not in LIBRARIES:
        return None
    if header.startswith("openssl/"):
        return None if path == "protocol/crypto.cpp" else "only protocol/crypto.cpp sees OpenSSL"
    if header.startswith(LIBRARIES[layer]):
        return None
    if header in STANDARD_NOT[layer] and path != "protocol/assert.cpp":
        return f"{layer}/ has no threads, streams or clocks"
    if "/" in header or "." in header:
        return f"{layer}/ does not use this library"
    return None


def check(tree):
    for path, text in tree.sources():
        layer = path.split("/")[0]
        for match in _INCLUDE.finditer(text):
            if match[1]:
                if layer in ("tests", "bench") and \
                        posixpath.join(posixpath.dirname(path), match[1]) in tree.sizes:
                    continue
                fault = _fault_of_own(path, layer, match[1])
            else:
                fault = _fault_of_library(path, layer, match[2])
            if fault:
                yield Finding(f"{path}:{line_of(text, match.start())}: {match[0].strip()}: {fault}")


BAD = [
    {"protocol/x.cpp": '#include "pool/pool.hpp"\n'},
    {"protocol/x.cpp": '#include "x.hpp"\n'},
    {"protocol/x.cpp": '#include "../pool/pool.hpp"\n'},
    {"protocol/x.cpp": "#include <boost/asio.hpp>\n"},
    {"protocol/x.cpp": "#include <mutex>\n"},
    {"protocol/x.cpp": "#include <sys/socket.h>\n"},
    {"protocol/pg/scram.cpp": "#include <openssl/evp.h>\n"},
    {"pool/x.hpp": '#include "protocol/wire/cursor.hpp"\n'},
    {"pool/x.hpp": "# include <spdlog/spdlog.h>\n"},
    {"pool/x.hpp": "#include <thread>\n"},
    {"config/load.cpp": "#include <toml++/toml.h>\n"},
    {"config/load.cpp": '#include "pool/pool.hpp"\n'},
    {"config/load.cpp": '#include "server/app.hpp"\n'},
    {"config/load.cpp": "#include <boost/asio.hpp>\n"},
    {"server/app.cpp": "#include <libpq-fe.h>\n"},
    {"server/app.cpp": "#include <hiredis/hiredis.h>\n"},
    {"server/app.cpp": "#include <pg_query.h>\n"},
    {"server/app.cpp": "#include <prometheus/registry.h>\n"},
    {"server/app.cpp": "#include <toml++/toml.h>\n"},
    {"server/app.cpp": '#include "tests/harness/clock.hpp"\n'},
    {"server/app.cpp": '#include "bench/load/x.hpp"\n'},
    {"tests/sim/x.cpp": '#include "world.hpp"\n'},
    {"server/app.cpp": '#include "worker.hpp"\n', "server/worker.hpp": ""},
]
GOOD = [
    {"protocol/x.cpp": '#include "protocol/x.hpp"\n#include <boost/system/result.hpp>\n#include <array>\n'},
    {"protocol/crypto.cpp": "#include <openssl/evp.h>\n"},
    {"pool/x.cpp": '#include "protocol/assert.hpp"\n#include <atomic>\n#include <mutex>\n'},
    {"config/toml_server.cpp": '#include "pool/limits.hpp"\n#include <toml++/toml.h>\n'},
    {"server/probe/role.cpp": "#include <libpq-fe.h>\n"},
    {"server/app.cpp": '#include "pool/pool.hpp"\n#include <boost/asio.hpp>\n#include <unistd.h>\n'},
    {"tests/sim/x.cpp": '#include "world.hpp"\n', "tests/sim/world.hpp": "#pragma once\n"},
    {"tests/unit/x_test.cpp": '#include "server/app.hpp"\n#include <libpq-fe.h>\n'},
]
