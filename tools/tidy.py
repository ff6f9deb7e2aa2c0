#!/usr/bin/env python3
"""The shape of the code as a test: what a compiler does not check and a reader should not have to.

Usage: tools/tidy.py [--build DIR] [--shrink]

  --build DIR   where the code was built (default: build); generated headers and programs are looked for there
  --shrink      write tools/long_functions.txt anew with what has become shorter; it never gets longer

Prints one line `path:line: what is wrong` per finding; exit code 1 when there is any.
What a room may use is read from the cj_room() calls of CMakeLists.txt, so that it is written down once.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONG_FUNCTIONS = ROOT / "tools/long_functions.txt"
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800

# A header of somebody else's library -> the name under which a room lists that library.
EXTERNAL_HEADERS = [
    (r"grpc/|grpcpp/", "libgrpc"),
    (r"upb/|google/protobuf/.*\.upb(defs)?\.h", "libupb"),
    (r".*\.upb(defs)?\.h", "api_upb"),
    (r"proto/.*\.def", "api_upb"),
    (r".*\.pb-c\.h|protobuf-c/", "wal_pbc"),
    (r".*/.*\.pb\.h|pb(_encode|_decode|_common)?\.h", "supervisor_pb"),
    (r"urcu", "liburcu"),
    (r"curl/", "libcurl"),
    (r"h2o(\.h|/)", "libh2o"),
    (r"jansson\.h", "jansson"),
    (r"yaml\.h", "libyaml"),
    (r"openssl/", "openssl"),
]

BANNED_CALLS = {
    "strcpy": "knows no bound; snprintf or memcpy",
    "strcat": "knows no bound; snprintf",
    "sprintf": "knows no bound; snprintf",
    "vsprintf": "knows no bound; vsnprintf",
    "gets": "knows no bound; getline",
    "strtok": "keeps hidden state; strchr or strsep",
    "alloca": "no bound and no failure; a fixed array or malloc",
    "tmpnam": "races; mkstemp",
    "system": "a shell in between; posix_spawn",
    "popen": "a shell in between; posix_spawn",
    "fork": "not beside threads; posix_spawn, or the supervisor",
    "vfork": "not beside threads; posix_spawn, or the supervisor",
}
ALLOWED_CALLS = {"supervisor": {"fork", "vfork"}, "tests": {"fork", "system", "popen"}}


class Source:
    """One file of C or C++, and the same with comments and the insides of strings blanked out."""

    TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def __init__(self, path):
        self.path = path
        self.name = path.relative_to(ROOT).as_posix()
        self.room = self.name.split("/")[0]
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.splitlines()
        self.slash_comments = []
        self.code = self.TOKEN.sub(self._blank, self.text)

    def _blank(self, match):
        token = match.group()
        if token.startswith("//"):
            self.slash_comments.append(self.line_of(match.start()))
        if token[0] in "\"'":
            return token[0] + re.sub(r"[^\n]", " ", token[1:-1]) + token[-1]
        return re.sub(r"[^\n]", " ", token)

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def includes(self):
        for number, line in enumerate(self.lines, 1):
            match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
            if match:
                yield number, match.group(1)

    def functions(self):
        """(name, first line, lines) of each function; one ends at the first brace in column 0 after its own."""
        code = self.code.splitlines()
        start = None
        for number, line in enumerate(code, 1):
            if line.startswith("{") and number > 1 and code[number - 2].rstrip().endswith(")"):
                start = number
            elif line.startswith("}") and start:
                head, first = code[start - 2], start - 1
                while first > 1 and head.count(")") > head.count("("):
                    first -= 1
                    head = code[first - 1] + head
                name = re.search(r"(\w+)\s*\(", head)
                yield (name.group(1) if name else "?"), first, number - first + 1
                start = None


def own_files(*endings):
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"], capture_output=True,
                             text=True, check=False)
    if listing.returncode == 0:
        paths = {ROOT / name for name in listing.stdout.splitlines()}
    else:
        paths = {path for path in ROOT.rglob("*") if "build" not in path.relative_to(ROOT).parts[:1]}
    return sorted(path for path in paths if path.suffix in endings and path.is_file())


class Rooms:
    """What each room may use, as CMakeLists.txt says."""

    def __init__(self):
        self.depends, self.exposes, self.folder, self.split = {}, {}, {}, {}
        text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
        for call in re.finditer(r"^cj_room\(([^)]*)\)", text, re.M):
            words = call.group(1).replace('"', "").split()
            name, folder = words[0], words[0]
            if "FOLDER" in words:
                folder = words[words.index("FOLDER") + 1]
            if "FILES" in words:
                self.split[name] = words[words.index("FILES") + 1].rstrip("*")
            self.folder[name] = folder
            if "EXPOSES" in words:
                self.exposes[name] = set(words[words.index("EXPOSES") + 1:words.index("DEPENDS")])
            self.depends[name] = set(words[words.index("DEPENDS") + 1:])

    def of(self, folder, stem):
        """The room of folder/stem.c; None for programs' main and wiring, which may use everything."""
        if stem.startswith(("main", "wiring")) or folder not in self.folder.values():
            return None
        for room, prefix in self.split.items():
            if self.folder[room] == folder and stem.startswith(prefix):
                return room
        return folder


# ---- checks: each yields (path, line, message) -----------------------------------------------------------------------

def check_includes(sources, rooms):
    for source in sources:
        room = rooms.of(source.room, source.path.stem)
        for line, header in source.includes():
            if ".." in header.split("/"):
                yield source.name, line, f"{header}: include by room, not by way of .."
            if room is None or room not in rooms.depends:
                continue
            used = used_library(header, rooms)
            if used and used != room and used not in rooms.depends[room]:
                yield source.name, line, f"{room}/ may not use {used} ({header}); see cj_room({room}) in CMakeLists.txt"


def used_library(header, rooms):
    for pattern, library in EXTERNAL_HEADERS:
        if re.match(f"(?:{pattern})", header):
            return library
    parts = header.split("/")
    return rooms.of(parts[0], Path(parts[-1]).stem) if len(parts) > 1 else None


def check_guards(sources):
    for source in sources:
        if source.path.suffix != ".h":
            continue
        guard = re.sub(r"[^A-Z0-9]", "_", source.name.upper()) + "_"
        directives = [line.strip() for line in source.code.splitlines() if line.startswith("#")]
        if directives[:2] != [f"#ifndef {guard}", f"#define {guard}"]:
            yield source.name, 1, f"the include guard is not {guard}"
        if not source.text.startswith(f"/* {source.path.stem}: "):
            yield source.name, 1, f"the first line does not start with '/* {source.path.stem}: '"


def check_text(sources):
    for source in sources:
        for line in source.slash_comments if source.path.suffix in (".c", ".h") else []:
            yield source.name, line, "a // comment; comments are sentences in /* */"
        for line, text in enumerate(source.lines, 1):
            if "\t" in text:
                yield source.name, line, "a tab"
        if len(source.lines) > FILE_LINES_MAX:
            yield source.name, len(source.lines), f"{len(source.lines)} lines; a file has at most {FILE_LINES_MAX}"


def check_calls(sources):
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(BANNED_CALLS) + r")\s*\(")
    for source in sources:
        for match in pattern.finditer(source.code):
            call = match.group(1)
            if call not in ALLOWED_CALLS.get(source.room, ()):
                yield source.name, source.line_of(match.start()), f"{call}(): {BANNED_CALLS[call]}"


def read_long_functions():
    known = {}
    if LONG_FUNCTIONS.exists():
        for line in LONG_FUNCTIONS.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                path, name, count = line.split()
                known[path, name] = int(count)
    return known


def long_functions(sources):
    return {(source.name, name): (lines, first) for source in sources if source.path.suffix == ".c"
            for name, first, lines in source.functions() if lines > FUNCTION_LINES_MAX}


def check_functions(sources):
    known, found = read_long_functions(), long_functions(sources)
    for (path, name), (lines, first) in found.items():
        allowed = known.get((path, name), FUNCTION_LINES_MAX)
        if lines > allowed:
            yield path, first, f"{name} has {lines} lines; at most {allowed} are allowed"
    for (path, name), count in known.items():
        if found.get((path, name), (0, 0))[0] < count:
            yield path, 1, f"{name} has become shorter than tools/long_functions.txt says; run tools/tidy.py --shrink"


def shrink(sources):
    known, found = read_long_functions(), long_functions(sources)
    head = [line for line in LONG_FUNCTIONS.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    rows = [f"{path} {name} {min(count, found[path, name][0])}" for (path, name), count in sorted(known.items())
            if (path, name) in found]
    LONG_FUNCTIONS.write_text("\n".join(head + rows) + "\n", encoding="utf-8")


def include_flags(room, rooms, build):
    flags, seen = [], {room} | rooms.depends[room]
    for name in sorted(seen.union(*(rooms.exposes.get(used, set()) for used in seen))):
        flags.append(f"-I{build}/include/{name}")
        flags.append(f"-isystem{build}/gen/{name}")
    return flags + [f"-I{build}/include/proto", f"-isystem{build}/gen/api_upb_objects",
                    f"-isystem{ROOT}/build/toolchain/include"]


def compile_header(job):
    name, compiler, flags = job
    run = subprocess.run([*compiler, "-fsyntax-only", "-Wall", "-Wextra", "-Werror", *flags, "-"], text=True,
                         capture_output=True, check=False, input=f'#include "{name}"\n', cwd=ROOT)
    error = next((line for line in run.stderr.splitlines() if "error" in line), run.stderr.strip())
    return (name, 1, f"does not compile alone as {compiler[-1]}: {error}") if run.returncode else None


def check_headers(sources, rooms, build):
    if not (build / "include").is_dir():
        print(f"tidy: nothing is built in {build}; headers are not compiled", file=sys.stderr)
        return
    compilers = [[os.environ.get("CC", "cc"), "-D_GNU_SOURCE=", "-xc", "-std=gnu17"],
                 [os.environ.get("CXX", "c++"), "-xc++", "-std=c++17"]]
    jobs = []
    for source in sources:
        room = rooms.of(source.room, source.path.stem)
        if source.path.suffix == ".h" and room in rooms.depends:
            flags = include_flags(room, rooms, build)
            jobs += [(source.name, compiler, flags) for compiler in compilers]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from filter(None, pool.map(compile_header, jobs))


def check_symbols(build):
    """Generated tables stay inside a program: libgrpc has some of the same name and another layout."""
    tables = re.compile(r"_(msginit|upb_file_layout|upbdefinit)$")
    for name in ("customjobd", "customjob"):
        program = build / "bin" / name
        if not program.exists():
            continue
        run = subprocess.run(["readelf", "--dyn-syms", "--wide", program], capture_output=True, text=True, check=True)
        for row in run.stdout.splitlines():
            words = row.split()
            symbol = words[7].split("@")[0] if len(words) > 7 else ""
            if tables.search(symbol) and (words[6] != "UND" or not symbol.startswith("google_protobuf_")):
                verb = "takes from a library" if words[6] == "UND" else "exports"
                yield f"bin/{name}", 0, f"{verb} the generated table {symbol}"


def main():
    parser = argparse.ArgumentParser(description="checks the shape of the code")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--shrink", action="store_true")
    options = parser.parse_args()
    rooms = Rooms()
    sources = [Source(path) for path in own_files(".c", ".h", ".cc")]
    if options.shrink:
        shrink(sources)
    findings = [*check_includes(sources, rooms), *check_guards(sources), *check_text(sources), *check_calls(sources),
                *check_functions(sources), *check_headers(sources, rooms, options.build.resolve()),
                *check_symbols(options.build)]
    for path, line, message in sorted(findings):
        print(f"{path}:{line}: {message}")
    print(f"tidy: {len(sources)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
