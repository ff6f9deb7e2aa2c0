#!/usr/bin/env python3
"""Writes the first inputs of the fuzzers, made of the golden directories and of filters and tokens known to matter.

What the fuzzers have found worth keeping since lies beside them in tests/fuzz/corpus; a new version of the log's format
adds to GOLDEN and runs this again.
"""

import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = ("v1",)
BLOCK = 4096
FILTERS = (
    'display_name = "train*"', "state = JOB_STATE_RUNNING", "state!=JOB_STATE_FAILED AND NOT labels.team:*",
    'labels.team="a" OR labels.team="b"', "labels:env", 'create_time >= "2024-05-18T07:30:00.25Z"',
    'createTime < "2024-05-18T09:30:00+02:00"', "(state=JOB_STATE_PENDING OR state=JOB_STATE_QUEUED) labels.tier-1:x*y",
    "-display_name:*", "done = true", "done:* AND NOT done!=false", r'display_name="a\"b\\c\n\*"', "((((((((state=1))))))))",
    "labels.a=1 labels.b=2 labels.c=3", "display_name = 'it is'", "state =", 'labels."odd key" = x', "foo = bar", ")", '"',
)
TOKENS = ("", "A" * 32, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_", "====", "\x00" * 32)
JSONS = (
    b"{}", b'{"displayName": "a\\u00e9\\ud83d\\ude00\\n", "labels": {"a": "b", "c": ""}}', b'{"display_name":"\\udbff\\udfff"}',
    b'{"jobSpec":{"workerPoolSpecs":[{"replicaCount":"1","machineSpec":{"acceleratorType":5}},{"replica_count":-0.5e+1}]}}',
    b'{"createTime":"2024-05-18T07:30:00.25Z","state":"JOB_STATE_RUNNING","satisfiesPzs":true,"error":null}',
    b'{"jobSpec":{"scheduling":{"timeout":"3600.5s","strategy":"SPOT"},"models":["a",""]}}',
    b'{"error":{"code":3,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"r"}]}}',
    b'{"a":[1,2.5,{"b":[]}],"a":1}', b'{"labels":{"x":"\xff"}}', b"[]", b'{"displayName":"x"} ',
)
QUERY = (b"/google.cloud.aiplatform.v1.JobService/ListCustomJobs", b"projects/p/locations/l", b"labels.a=b")


def piece(data):
    return struct.pack("<H", len(data)) + data


def blocks(data):
    return [data[at:at + BLOCK].rstrip(b"\0") for at in range(0, len(data), BLOCK)]


def chunks(data):
    """Block 0 and the chunks of a snapshot, without the zeros behind them."""
    yield data[:BLOCK].rstrip(b"\0")
    at = BLOCK
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 20)[0]
        yield data[at:at + 32 + length]
        at += (32 + length + BLOCK - 1) // BLOCK * BLOCK


def write(fuzzer, name, data):
    folder = HERE / "corpus" / fuzzer
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def main():
    for version in GOLDEN:
        golden = HERE.parent / "storage/golden" / version
        segments = [blocks(path.read_bytes()) for path in sorted(golden.glob("*.wal"))]
        for flags in (0, 1):
            for count in range(1, len(segments) + 1):
                body = b"".join(piece(block) for segment in segments[:count] for block in segment)
                write("log_reader", f"golden-{version}-{count}-{flags}", bytes([flags]) + body)
            for path in golden.glob("*.snapshot"):
                body = b"".join(piece(chunk) for chunk in chunks(path.read_bytes()))
                write("snapshot_reader", f"golden-{version}-{flags}", bytes([flags]) + body)
    for number, text in enumerate(FILTERS):
        write("list_filter", f"filter-{number:02}", text.encode())
    for number, text in enumerate(TOKENS):
        write("page_token", f"token-{number:02}", b"".join(map(piece, QUERY)) + text.encode())
    for number, text in enumerate(JSONS):
        write("json_message", f"json-{number:02}", text)


if __name__ == "__main__":
    main()
