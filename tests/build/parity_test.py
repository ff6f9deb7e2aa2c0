#!/usr/bin/env python3
"""CMake and Bazel build the same: rooms, programs, protos and tests of the same sources with the same dependencies.

CMake finds sources by folder and writes what it found to <build>/targets.txt; the BUILD files of Bazel name each one.
A file that one of them does not know, and a dependency that only one of them allows, is a finding; so is a library
that bazel/BUILD.bazel does not show to who depends on it.

Usage: tests/build/parity_test.py [--cmake TARGETS_TXT] [--write]
  --write   bring the lists of sources in the BUILD files up to date with CMake (./dev fmt does that)
"""
import argparse
import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# The rule of a BUILD file -> the kind of CMake target it stands for. A rule not named here is Bazel's own affair.
KINDS = {"cj_room": "room", "cj_program": "program", "cj_test": "test", "cj_test_lib": "room",
         "cj_upb_library": "protos",
         "cj_protobuf_c_library": "protos", "cj_nanopb_library": "protos"}
SOURCE_LISTS = ("srcs", "hdrs", "protos")


def from_cmake(path):
    """{(kind, target): (sources, dependencies)}"""
    targets = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, target, *rest = line.split()
        sources, depends = targets.setdefault((kind, target), (set(), set()))
        if rest:
            (sources if rest[0] == "src" else depends).add(rest[1])
    return {key: value for key, value in targets.items() if value[0]}


def label_name(label):
    """//base -> base, //bazel:libgrpc -> libgrpc, :wire -> wire"""
    return re.split(r"[:/]", label)[-1]


def label_file(package, label):
    """The path of a source named in a BUILD file: //server:main.c, or a name within the package."""
    match = re.fullmatch(r"//([^:]*):(.*)", label)
    folder, name = match.groups() if match else (package, label)
    return f"{folder}/{name}" if folder else name


def calls(build_file, rules=tuple(KINDS)):
    for node in ast.parse(build_file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            rule = getattr(node.value.func, "id", "")
            if rule in rules:
                yield rule, {keyword.arg: ast.literal_eval(keyword.value) for keyword in node.value.keywords
                             if keyword.arg in (*SOURCE_LISTS, "name", "deps", "visibility", "used_by")}


def build_files():
    return sorted(path for path in [ROOT / "BUILD.bazel", *ROOT.glob("*/BUILD.bazel"), *ROOT.glob("*/*/BUILD.bazel")]
                  if path.is_file() and path.relative_to(ROOT).parts[0] != "build")


def from_bazel():
    targets = {}
    for path in build_files():
        package = path.parent.relative_to(ROOT).as_posix().strip(".")
        for rule, arguments in calls(path):
            sources = {label_file(package, label) for name in SOURCE_LISTS for label in arguments.get(name, [])}
            depends = {label_name(label) for label in arguments.get("deps", [])}
            targets[KINDS[rule], arguments["name"]] = (sources, depends)
    return {key: value for key, value in targets.items() if value[0]}


def differences(cmake, bazel):
    for kind, name in sorted(cmake.keys() | bazel.keys()):
        left, right = cmake.get((kind, name), (set(), set())), bazel.get((kind, name), (set(), set()))
        for what, index in (("source", 0), ("dependency", 1)):
            for item in sorted(left[index] - right[index]):
                yield f"{kind} {name}: {what} {item} is in CMake, not in Bazel"
            for item in sorted(right[index] - left[index]):
                yield f"{kind} {name}: {what} {item} is in Bazel, not in CMake"


def hidden_libraries():
    """Bazel itself says so too, but only where it is installed and after minutes."""
    libraries = {"//bazel:" + arguments["name"]: arguments.get("visibility", [])
                 for _, arguments in calls(ROOT / "bazel/BUILD.bazel", ("cc_library",))}
    for path in build_files():
        package = path.parent.relative_to(ROOT).as_posix()
        libraries.update({f"//{package}": arguments["used_by"] + ["//:__pkg__", "//tests:__subpackages__"]
                          for rule, arguments in calls(path)
                          if rule == "cj_room" and arguments["name"] == package and "used_by" in arguments})
    for path in build_files():
        package = path.parent.relative_to(ROOT).as_posix().strip(".")
        for rule, arguments in calls(path):
            for label in arguments.get("deps", []):
                seen_by = libraries.get(label)
                if seen_by is not None and not {f"//{package}:__pkg__", "//:__subpackages__"} & set(seen_by) and not (
                        package.split("/")[0] == "tests" and "//tests:__subpackages__" in seen_by):
                    yield f"{rule} {arguments['name']}: {label} is not visible to //{package}"


def version_differences():
    cmake = re.search(r"^project\(\w+ VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"), re.M)
    bazel = re.search(r'^VERSION = "([\d.]+)"', (ROOT / "bazel/defs.bzl").read_text(encoding="utf-8"), re.M)
    if not cmake or not bazel or cmake.group(1) != bazel.group(1):
        yield "the version of project() in CMakeLists.txt is not the VERSION in bazel/defs.bzl"


def wanted_list(package, name, sources):
    """The items of one list of a rule, out of all its sources."""
    if name == "hdrs":
        chosen = [source for source in sources if source.endswith((".h", ".def"))]
    elif name == "srcs":
        chosen = [source for source in sources if not source.endswith((".h", ".def"))]
    else:
        chosen = list(sources)
    labels = []
    for source in chosen:
        prefix = f"{package}/" if package else ""
        if source.startswith(prefix) and (package or "/" not in source):
            labels.append(source[len(prefix):])
        else:
            labels.append("//{}:{}".format(*source.rsplit("/", 1)))
    return sorted(labels)


def missing_tests(cmake, bazel):
    """Rules for tests/ folders that have none yet."""
    def label(name):
        if (ROOT / name).is_dir():
            return f"//{name}"
        places = {"test_lib": "", "supervisor_wire": "//supervisor", "api_upb": "//proto", "wal_pbc": "//proto",
                  "supervisor_pb": "//proto"}
        return f"{places.get(name, '//bazel')}:{name}"

    for kind, name in sorted(cmake.keys() - bazel.keys()):
        if kind == "test":
            deps = "".join(f'        "{item}",\n' for item in sorted(map(label, cmake[kind, name][1])))
            yield f'\ncj_test(\n    name = "{name}",\n    srcs = [],\n    deps = [\n{deps}    ],\n)\n'


def write(cmake):
    with (ROOT / "tests/BUILD.bazel").open("a", encoding="utf-8") as build_file:
        build_file.writelines(missing_tests(cmake, from_bazel()))
    for path in build_files():
        package = path.parent.relative_to(ROOT).as_posix().strip(".")
        text = path.read_text(encoding="utf-8")
        for rule, arguments in calls(path):
            sources = cmake.get((KINDS[rule], arguments["name"]), (set(), set()))[0]
            head = re.search(rf'^{rule}\(\n    name = "{re.escape(arguments["name"])}",\n', text, re.M)
            body = text[head.end():text.index("\n)", head.end())]
            for name in SOURCE_LISTS:
                if name in arguments:
                    items = wanted_list(package, name, sources)
                    rows = "".join(f'        "{item}",\n' for item in items)
                    new = f"    {name} = [\n{rows}    ]," if items else f"    {name} = [],"
                    body = re.sub(rf"^    {name} = \[[^\]]*\],", lambda _, new=new: new, body, flags=re.M)
            text = text[:head.end()] + body + text[text.index("\n)", head.end()):]
        if text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


def main():
    parser = argparse.ArgumentParser(description="compares what CMake and Bazel build")
    parser.add_argument("--cmake", type=Path, default=ROOT / "build/targets.txt")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    cmake = from_cmake(options.cmake)
    if options.write:
        write(cmake)
    findings = [*differences(cmake, from_bazel()), *hidden_libraries(), *version_differences()]
    for finding in findings:
        print(finding)
    if findings:
        print(f"parity: {len(findings)} differences; tests/build/parity_test.py --write (and ./dev fmt) brings sources up to date")
        return 1
    print(f"parity: {len(cmake)} targets, the same in CMake and Bazel")
    return 0


if __name__ == "__main__":
    sys.exit(main())
