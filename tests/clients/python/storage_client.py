"""google-cloud-storage, unmodified, over the buckets of a server: STORAGE_EMULATOR_HOST alone says where.

Arguments: the buckets directory.
"""

import os
import pathlib
import random
import sys

from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

TREE = pathlib.Path(sys.argv[1])
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
print(f"seed {SEED}")
CHOICE = random.Random(SEED)


def expect(error, action):
    try:
        action()
    except error:
        return
    raise AssertionError(f"no {error.__name__}")


def names(listed):
    return [item.name for item in listed]


client = storage.Client(project="p", credentials=AnonymousCredentials())
bucket = client.create_bucket("models")
assert (TREE / "models").is_dir()
expect(exceptions.Conflict, lambda: client.create_bucket("models"))
assert "models" in names(client.list_buckets())
assert client.lookup_bucket("nothing") is None
expect(exceptions.NotFound, lambda: list(client.list_blobs("nothing")))

# Small, in one request of two parts; read back whole, in part and as text.
blob = bucket.blob("runs/1/hello.txt")
blob.metadata = {"owner": "Ada"}
blob.cache_control = "no-store"
blob.upload_from_string("hello, world", content_type="text/plain", checksum="crc32c")
assert (TREE / "models/runs/1/hello.txt").read_text() == "hello, world"
assert blob.download_as_text() == "hello, world"
assert blob.download_as_bytes(start=7, end=11) == b"world"
assert blob.download_as_bytes(start=7, checksum=None) == b"world"
again = bucket.get_blob("runs/1/hello.txt")
assert (again.size, again.content_type, again.cache_control) == (12, "text/plain", "no-store")
assert again.metadata == {"owner": "Ada"}
assert again.generation == blob.generation and again.md5_hash and again.crc32c

# Fields are changed in place; another generation comes with other bytes only.
again.metadata = {"owner": "Grace", "kind": "text"}
again.content_language = "en"
again.patch()
assert again.metageneration == 2 and again.generation == blob.generation
assert bucket.get_blob("runs/1/hello.txt").metadata["owner"] == "Grace"
again.upload_from_string("hello again")
assert again.generation > blob.generation

# Conditions.
expect(exceptions.PreconditionFailed, lambda: blob.upload_from_string("x", if_generation_match=0))
expect(exceptions.PreconditionFailed, lambda: bucket.blob("runs/1/hello.txt").delete(if_generation_match=1))
expect(exceptions.NotFound, blob.delete)  # of a generation that is gone
fresh = bucket.blob("fresh")
fresh.upload_from_string("first", if_generation_match=0)
expect(exceptions.PreconditionFailed, lambda: bucket.blob("fresh").upload_from_string("2", if_generation_match=0))
fresh.upload_from_string("second", if_generation_match=fresh.generation)
assert fresh.download_as_bytes() == b"second"

# Large, in several requests, with md5 and with crc32c.
large = CHOICE.randbytes(20 * 1024 * 1024 + 123)
for checksum in ("md5", "crc32c"):
    pieces = bucket.blob(f"large/{checksum}", chunk_size=5 * 256 * 1024 * 4)
    pieces.upload_from_file(__import__("io").BytesIO(large), size=len(large), checksum=checksum)
    assert pieces.download_as_bytes() == large
unknown = bucket.blob("large/unknown", chunk_size=1024 * 1024)
with unknown.open("wb", ignore_flush=True) as file:
    file.write(large[: 3 * 1024 * 1024 + 7])
assert unknown.download_as_bytes(raw_download=True) == large[: 3 * 1024 * 1024 + 7]
with bucket.blob("large/md5").open("rb", chunk_size=1024 * 1024) as file:
    file.seek(4 * 1024 * 1024)
    assert file.read(1000) == large[4 * 1024 * 1024 :][:1000]

# What a job writes is there at once, with its directories; it knows no checksums, and is taken without.
(TREE / "models/runs/2").mkdir()
(TREE / "models/runs/2/metrics.json").write_text("{}")
(TREE / "models/runs/1-old").write_text("old")
seen = bucket.get_blob("runs/2/metrics.json")
assert seen.size == 2 and seen.md5_hash is None and seen.download_as_bytes() == b"{}"
(TREE / "models/runs/2/metrics.json").write_text("[1]")
assert bucket.get_blob("runs/2/metrics.json").generation > seen.generation

# Lists: in order of the names' bytes, by prefix, by directory, page by page.
assert names(client.list_blobs("models", prefix="runs/")) == [
    "runs/1-old", "runs/1/hello.txt", "runs/2/metrics.json"]
by_directory = client.list_blobs("models", prefix="runs/", delimiter="/")
assert names(by_directory) == ["runs/1-old"] and by_directory.prefixes == {"runs/1/", "runs/2/"}
top = client.list_blobs("models", delimiter="/", page_size=1)
assert names(top) == ["fresh"] and top.prefixes == {"large/", "runs/"}
assert names(client.list_blobs("models", page_size=2)) == names(client.list_blobs("models"))
assert names(client.list_blobs("models", start_offset="large/md5", end_offset="runs/1/")) == [
    "large/md5", "large/unknown", "runs/1-old"]

# Copies and compositions.
copied = bucket.copy_blob(again, bucket, "copies/hello.txt")
assert copied.download_as_bytes() == b"hello again" and copied.metadata["kind"] == "text"
renamed = bucket.rename_blob(copied, "copies/ünïcode + space.txt")
assert names(client.list_blobs("models", prefix="copies/")) == ["copies/ünïcode + space.txt"]
token, done, total = bucket.blob("copies/re").rewrite(renamed)
assert token is None and done == total == 11
bucket.blob("composed").compose([fresh, renamed])
assert bucket.blob("composed").download_as_bytes() == b"secondhello again"

# Placeholders are directories.
bucket.blob("empty/dir/").upload_from_string(b"")
assert (TREE / "models/empty/dir").is_dir()
assert names(client.list_blobs("models", prefix="empty/")) == ["empty/dir/"]
bucket.blob("empty/dir/").delete()
assert not (TREE / "models/empty").exists()

# What cannot be is refused, and says why.
for name in ("a//b", "../up", "x/./y", "runs"):
    expect((exceptions.BadRequest, exceptions.Conflict), lambda name=name: bucket.blob(name).upload_from_string("x"))
expect(exceptions.Conflict, lambda: bucket.blob("fresh/below").upload_from_string("x"))
os.symlink("/etc/passwd", TREE / "models/way-out")
expect(exceptions.Forbidden, bucket.blob("way-out").download_as_bytes)
assert "way-out" not in names(client.list_blobs("models"))
(TREE / "models/way-out").unlink()
expect(exceptions.BadRequest, lambda: list(client.list_blobs("models", delimiter="-")))
expect(exceptions.PreconditionFailed, bucket.delete)

# The end.
bucket.delete_blobs(list(client.list_blobs("models")))
assert list(client.list_blobs("models")) == []
assert list((TREE / "models").iterdir()) == []
bucket.delete()
assert not (TREE / "models").exists()
left = [path for path in (TREE / ".customjobd").rglob("*") if path.is_file() and path.suffix != ".json"]
assert left == [], left
print("ok")
