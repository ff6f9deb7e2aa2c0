#!/usr/bin/env python3
"""What the documents say that a program can check: links, paths, the table of states, the options, the limits."""

import math
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = "base bazel cli cmake docs examples executor job proto server storage supervisor tests tools".split()
PATH = re.compile(rf"^(?:{'|'.join(ROOMS)})/[\w./*-]*$")
OPERATIONS = ROOT / "docs" / "operations.md"
ARCHITECTURE = ROOT / "docs" / "ARCHITECTURE.md"


def documents():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT,
                            capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split()]


def links(path, text):
    """Targets of relative links and of paths in backticks that are not there."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        target = target.partition("#")[0]
        if target and "://" not in target and not (path.parent / target).exists():
            yield f"the link to {target} leads nowhere"
    for quoted in re.findall(r"`([^`\n]+)`", text):
        if PATH.match(quoted) and not any(ROOT.glob(quoted.rstrip("/"))) and not any(ROOT.glob(quoted + "*")):
            yield f"there is no {quoted}"
    for named in re.findall(r"\b(docs/[\w-]+\.md|README\.md|CONTRIBUTING\.md)", text):
        if not (ROOT / named).exists() and not (path.parent / named).exists():
            yield f"there is no {named}"


def table_rows(text, heading):
    """The cells of the first table behind a heading."""
    rows = []
    for line in text[text.index(heading):].splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))])
        elif rows:
            break
    return rows[0], rows[2:]


def table_of_code(name, row, event):
    """The events and the cells of a state × event table, without the prefixes of their names."""
    source = (ROOT / "job" / f"{name}.c").read_text()
    events = re.findall(rf"^    {event}_(\w+)\b", (ROOT / "job" / f"{name}.h").read_text(), re.M)
    table = {}
    for state, cells in re.findall(rf"\[{row}_(\w+)\]\s*= \{{(.*)\}},", source):
        table[state] = [re.sub("^0$", "–", cell.strip().replace(f"{row}_", "")) for cell in cells.split(",")]
    return events, table


def states_of_code():
    return table_of_code("job_state", "JOB_STATE", "JOB_EVENT")


def told_table(heading, events, table):
    """What the table behind a heading says otherwise than the code."""
    header, rows = table_rows(ARCHITECTURE.read_text(), heading)
    if header[1:] != events:
        yield f"the events are {events}, not {header[1:]}"
    told = {name: cells for names, *cells in rows for name in names.split(", ")}
    for state, cells in table.items():
        if told.get(state, ["–"] * len(events)) != cells:
            yield f"{state} leads to {cells}, not {told.get(state)}"


def picture(table):
    """The arrows of the picture of states against the table."""
    text = ARCHITECTURE.read_text().partition("stateDiagram-v2")[2].partition("```")[0]
    drawn = set(re.findall(r"^ *(\w+) --> (\w+)", text, re.M))
    steps = {(state, cell) for state, cells in table.items() for cell in cells if cell != "–"}
    for state, cell in sorted(steps - drawn):
        yield f"the picture has no arrow from {state} to {cell}"
    for state, cell in sorted(drawn - steps):
        yield f"the picture has an arrow from {state} to {cell}, the code none"


def states():
    events, table = states_of_code()
    yield from told_table("## 5. The states of a job", events, table)
    yield from picture(table)
    yield from told_table("`job/replica_state.c` is", *table_of_code("replica_state", "REPLICA", "REPLICA_EVENT"))


def options():
    source = (ROOT / "server" / "config_options.def").read_text()
    code = re.findall(r'^OPTION\(\w+, \w+, "([\w-]+)", "[^"]*", "([^"]*)"', source, re.M)
    _, rows = table_rows(OPERATIONS.read_text(), "## 2. Options")
    told = {re.match(r"`--([\w-]+)", row[0])[1]: row[1].strip("`") for row in rows}
    for name, fallback in code:
        if name not in told:
            yield f"--{name} is not told"
        elif told[name] != (fallback if fallback not in ("", "false") else "–"):
            yield f"--{name} is {fallback!r} by default, not {told[name]!r}"
    for name in told.keys() - {name for name, _ in code}:
        yield f"there is no --{name}"


def limits():
    """The numbers of the chapter on bounds."""
    source = (ROOT / "base" / "limits.h").read_text()
    code = {name: math.prod(map(int, value.split("*")))
            for name, value in re.findall(r"#define LIMIT_(\w+) \(?(\d[\d *]*)\)?$", source, re.M)}
    mib = 1024 * 1024
    text = " ".join(ARCHITECTURE.read_text().partition("## 8. Bounds")[2].split())
    for sentence in (f"holds {code['CONTROLLER_MAIL']:,} commands", f"takes {code['CALLS_IN_FLIGHT']:,} calls",
                     f"a request has {code['REQUEST_BYTES'] // mib} MiB", f"a value {code['VALUE_BYTES'] // mib} MiB",
                     f"a page of jobs {code['PAGE_BYTES'] // mib} MiB"):
        if sentence not in text:
            yield f"limits.h says: {sentence}"


def main():
    findings = [f"{path.relative_to(ROOT)}: {finding}" for path in documents() for finding in links(path, path.read_text())]
    findings += [f"docs/ARCHITECTURE.md: {finding}" for finding in (*states(), *limits())]
    findings += [f"docs/operations.md: {finding}" for finding in options()]
    for finding in findings:
        print(finding)
    print(f"{'FAILED' if findings else 'ok'} docs: {len(documents())} documents, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
