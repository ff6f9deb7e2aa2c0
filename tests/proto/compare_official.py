#!/usr/bin/env python3
"""compare_official: are our .proto files, in every declaration, the official ones?

Usage    tests/proto/compare_official.py --build-dir build
Claim    What proto/google and proto/grpc declare is declared officially in the same file in the same words: names,
         numbers, JSON names, types, labels, oneofs, enum values, methods, streaming and all options (http rules, method
         signatures, operation_info, field behaviour, resources, deprecation). A message, enum or service that we
         declare is declared whole. For a service that a proto/*_methods.def belongs to "whole" means: its methods and those that
         are listed there together are the official methods.
Allowed  Messages, enums and extensions of an official file that ours leaves out; imports; the file options that only
         choose names in other languages; comments; the order of declarations.
Exit     0 nothing differs; 1 something does, a line each; 2 the comparison could not be made.
Needs    protoc, npm and the package registries on the first run; later runs work offline.
"""

import argparse
import collections
import os
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # The source tree stays as it is.

import official_protos

METHODS_DEF = "job_service_methods.def"
# Which services a list of methods belongs to.
LISTS = {METHODS_DEF: ("google.cloud.aiplatform.v1.JobService", "google.cloud.aiplatform.v1beta1.JobService"),
         "logging_service_methods.def": ("google.logging.v2.LoggingServiceV2",)}
ABSENT = "<none>"


def listed_methods(root):
    """Full name and list of each method that a list names, one each time it does."""
    return [(f"{service}.{name}", file) for file, services in LISTS.items() for service in services
            for name in re.findall(r"^METHOD\((\w*)\)", (root / file).read_text(encoding="utf-8"), re.MULTILINE)]


def compare_element(ours, official):
    """One line per attribute that differs."""
    names = sorted(ours.facts.keys() | official.facts.keys())
    for name in names:
        here, there = ours.facts.get(name, ABSENT), official.facts.get(name, ABSENT)
        if here != there:
            yield f"{ours}: {name}: ours {here}, official {there}"


def compare(ours, official, listed):
    """All differences between two sets of elements; `listed` are methods that need not be declared."""
    containers = {name for kind, name in ours if kind in ("message", "enum", "service")}
    for key, element in ours.items():
        if key not in official:
            yield f"{element}: not in the official files"
        else:
            yield from compare_element(element, official[key])
    for key, element in official.items():
        if key not in ours and element.parent in containers and element.name not in listed:
            yield f"{element}: missing from ours"


def compare_methods(ours, official, listed):
    """The lists against the official services: no name too many, twice, or declared already."""
    for (name, file), count in collections.Counter(listed).items():
        if count > 1:
            yield f"method {name}: {count} times in {file}"
        if ("method", name) in ours:
            yield f"method {name}: both declared and in {file}"
        if ("method", name) not in official:
            yield f"method {name}: in {file}, not in the official service"


def report(ours, official, listed, files):
    """What was compared, so that a comparison of nothing does not pass for success."""
    counts = collections.Counter(kind for kind, _ in ours)
    plural = {"enum value": "enum values"}
    print("compared with " + ", ".join(f"{name} {version}" for name, version in official_protos.package_versions()))
    print(f"  {len(files)} files: " + ", ".join(
        f"{count} {plural.get(kind, kind + 's')}" for kind, count in sorted(counts.items()) if kind != "file"))
    options = collections.Counter(
        name for element in ours.values() for name in element.facts if name.startswith("option "))
    print("  options: " + ", ".join(f"{count} {name[len('option '):]}" for name, count in sorted(options.items())))
    for service in (service for services in LISTS.values() for service in services):
        declared, only_listed, there = (
            sum(1 for name in names if name.startswith(service + "."))
            for names in ((n for k, n in ours if k == "method"), (n for n, _ in listed), (n for k, n in official if k == "method")))
        print(f"  {service}: {declared} declared + {only_listed} listed, {there} official")
    left_out = sum(1 for key, element in official.items() if key not in ours and element.parent in files)
    print(f"  left out of partial files: {left_out} messages, enums and extensions")


def load(roots, files):
    """All elements of the files, compiled under these roots."""
    from descriptor_facts import Facts  # Here, since it needs the environment's protobuf runtime.

    return Facts(official_protos.compile_set(roots, files), files).elements


def load_official(work, files):
    official = load(official_protos.official_roots(work), files)
    for service in (service for services in LISTS.values() for service in services):
        if ("service", service) not in official:
            raise official_protos.CannotCompare(f"official files without {service}")
    return official


def compare_root(root, ours, official):
    """All differences of our folder, its list of methods included."""
    listed = listed_methods(root)
    return [*compare(ours, official, {name for name, _ in listed}), *compare_methods(ours, official, listed)]


def enter_environment(work):
    """Installs what is missing and goes on in the environment's Python; returns only there."""
    python = official_protos.prepare(work)
    if Path(sys.prefix) != python.parent.parent:
        os.execv(python, [str(python), *sys.argv])


def parse_arguments(documentation):
    """The folder all of this test's installed and made things go to."""
    parser = argparse.ArgumentParser(description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, required=True, help="installed packages go below it")
    return parser.parse_args().build_dir.resolve() / "proto_official"


def main():
    work = parse_arguments(__doc__)
    enter_environment(work)
    root = official_protos.OUR_ROOT
    files = official_protos.declared_files(root)
    ours, official = load([root], files), load_official(work, files)
    differences = compare_root(root, ours, official)
    for difference in differences:
        print(f"DIFFERS {difference}")
    report(ours, official, listed_methods(root), files)
    print(f"{len(differences)} differences" if differences else "no difference")
    return 1 if differences else 0


def exit_with(main_function):
    """Runs a test's main; what cannot be compared is neither equal nor different."""
    try:
        sys.exit(main_function())
    except official_protos.CannotCompare as error:
        print(f"cannot compare: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    exit_with(main)
