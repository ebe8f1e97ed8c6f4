"""Calls and words that have no place in the program, each with what to do instead."""

import re

from tree import PROGRAM, Finding, code_only, line_of

NAME = "banned"
WHY = "each of these has been the cause of a fault that is hard to see in review"

_BELOW = ("protocol", "pool", "config")
_BENCH = PROGRAM + ("bench",)
_ALL = _BENCH + ("tests",)
# Pattern, folders, what to do instead.
WORDS = [
    (r"\bsleep_(?:for|until)\b|\b(?:usleep|nanosleep|sleep)\s*\(", PROGRAM, "use a timer"),
    (r"(?<![\w.>])system\s*\(", _ALL, "start no shell"),
    (r"\b(?:strcpy|strcat|sprintf|vsprintf|gets|strtok)\s*\(", _ALL, "use bounded writing"),
    (r"\bato(?:i|l|ll|f)\s*\(", _ALL, "use std::from_chars"),
    (r"\bs?rand\s*\(", _ALL, "use <random>, or OpenSSL for secrets"),
    (r"\bstd\s*::\s*regex\b", _ALL, "it is slow and recursive; write the scan"),
    (r"\b(?:enable_)?shared_from_this\b", _ALL, "let the owner await its children"),
    (r"\busing\s+namespace\s+(?!std(?:::\w+)*::\w*literals\b)", _BENCH, "name what you use"),
    (r"(?<![\w:])assert\s*\(", _BENCH, "use SLUICE_ASSERT, which is on in every build"),
    (r"\bthrow\b", _BELOW, "errors below server/ are values"),
    (r"_clock\s*::\s*now\s*\(|\bgettimeofday\s*\(|\bclock_gettime\s*\(|(?<![\w.>])time\s*\(\s*(?:0|NULL|nullptr)?\s*\)",
     _BELOW, "`now` is always an argument"),
    (r"\bstd\s*::\s*(?:cout|cerr)\b", _BELOW, "nothing below server/ writes to anybody"),
]
_COMPILED = [(re.compile(pattern), folders, remedy) for pattern, folders, remedy in WORDS]


def check(tree):
    for path, text in tree.sources():
        code = code_only(text)
        for pattern, folders, remedy in _COMPILED:
            if path.split("/")[0] not in folders:
                continue
            for match in pattern.finditer(code):
                yield Finding(f"{path}:{line_of(code, match.start())}: {match[0].strip()}: {remedy}")


BAD = [{"pool/x.cpp": line + "\n"} for line in (
    "std::this_thread::sleep_for(1ms);", "usleep(5);", "::sleep(1);", 'system("ls");',
    'std::system("ls");', "strcpy(a, b);", "sprintf(a, b);", "int n = atoi(s);", "rand();",
    "srand(1);", "std::regex r;", "class X : std::enable_shared_from_this<X> {};",
    "using namespace std;", "using namespace boost::asio;", "assert(x);", "throw x;",
    "auto t = std::chrono::steady_clock::now();", "auto t = time(nullptr);", "std::cerr << 1;")]
GOOD = [{"pool/x.cpp": line + "\n"} for line in (
    "// never sleep_for, system( or rand(", 'log("sprintf(");', "snprintf(a, n, b);", "grand(1);",
    "using namespace std::chrono_literals;", "using namespace std::literals;", "static_assert(x);",
    "SLUICE_ASSERT(x);", "boost::system::error_code e;", "deadline.time();", "file_system(1);",
    "boost::system::system_category();", "make_time(now);")]
GOOD.append({"server/x.cpp": "auto t = std::chrono::steady_clock::now();\nthrow x;\n"})
