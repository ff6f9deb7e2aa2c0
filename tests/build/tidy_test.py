#!/usr/bin/env python3
"""tidy_test: does tools/tidy.py find what it says it finds, and nothing else?

Each row is a file with one thing wrong and the beginning of the finding it must cause; the clean file must cause none.
"""
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # The source tree stays as it is.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))

import tidy  # noqa: E402

CMAKE = """cj_room(base DEPENDS threads)
cj_room(storage DEPENDS base)
cj_room(wire FOLDER supervisor FILES "wire*" DEPENDS)
cj_room(supervisor NOT_FILES "wire*" DEPENDS wire)
cj_room(executor DEPENDS base wire libcurl)
"""
HEADER = "/* NAME: x. */\n#ifndef GUARD\n#define GUARD\n#endif /* GUARD */\n"
LONG = "int f(int a,\n      int b)\n{\n" + "    a++;\n" * 70 + "    return a + b;\n}\n"


def header(name, guard):
    return HEADER.replace("NAME", name).replace("GUARD", guard)


# File, text, the one finding expected ("" for none).
ROWS = [
    ("storage/a.c", '#include "base/err.h"\n#include "storage/a.h"\n#include <stdio.h>\n', ""),
    ("base/a.c", '#include "storage/a.h"\n', "base/a.c:1: base/ may not use storage"),
    ("storage/a.c", '\n#include <grpc/grpc.h>\n', "storage/a.c:2: storage/ may not use libgrpc"),
    ("storage/a.c", '#include "google/rpc/status.upb.h"\n', "storage/a.c:1: storage/ may not use api_upb"),
    ("executor/a.c", '#include "supervisor/wire.h"\n', ""),
    ("executor/a.c", '#include "supervisor/child.h"\n', "executor/a.c:1: executor/ may not use supervisor"),
    ("supervisor/wire.c", '#include "supervisor/child.h"\n', "supervisor/wire.c:1: wire/ may not use supervisor"),
    ("supervisor/main.c", '#include "storage/a.h"\n', ""),
    ("storage/a.c", '#include "../base/err.h"\n', "storage/a.c:1: ../base/err.h: include by room"),
    ("base/b.h", header("b", "BASE_B_H_"), ""),
    ("base/b.h", header("b", "BASE_C_H_"), "base/b.h:1: the include guard is not BASE_B_H_"),
    ("base/b.h", header("old", "BASE_B_H_"), "base/b.h:1: the first line does not start"),
    ("base/a.c", "int x; // y\n", "base/a.c:1: a // comment"),
    ("base/a.c", 'const char *url = "http://x"; /* see http://y */\n', ""),
    ("base/a.c", "\tint x;\n", "base/a.c:1: a tab"),
    ("base/a.c", "int x;\n" * 801, "base/a.c:801: 801 lines"),
    ("base/a.c", "    strcpy(a, b);\n", "base/a.c:1: strcpy()"),
    ("base/a.c", "    /* strcpy(a, b) */ my_strcpy(a); a->system(b);\n", ""),
    ("base/a.c", "    fork();\n", "base/a.c:1: fork()"),
    ("supervisor/a.c", "    fork();\n", ""),
    ("base/a.c", LONG, "base/a.c:1: f has 75 lines"),
    ("base/a.c", LONG.replace("    a++;\n", "", 5), ""),
]


def findings(name, text):
    with tempfile.TemporaryDirectory() as folder:
        tidy.ROOT = Path(folder)
        tidy.LONG_FUNCTIONS = tidy.ROOT / "long_functions.txt"
        (tidy.ROOT / "CMakeLists.txt").write_text(CMAKE, encoding="utf-8")
        path = tidy.ROOT / name
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
        sources, rooms = [tidy.Source(path)], tidy.Rooms()
        found = [*tidy.check_includes(sources, rooms), *tidy.check_guards(sources), *tidy.check_text(sources),
                 *tidy.check_calls(sources), *tidy.check_functions(sources)]
        return [f"{where}:{line}: {what}" for where, line, what in found]


def main():
    wrong = 0
    for name, text, expected in ROWS:
        found = findings(name, text)
        right = len(found) == 1 and found[0].startswith(expected) if expected else not found
        if not right:
            wrong += 1
            print(f"{name} {text[:60]!r}\n  expected: {expected or 'nothing'}\n  found: {found}")
    print(f"tidy_test: {len(ROWS)} rows, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
