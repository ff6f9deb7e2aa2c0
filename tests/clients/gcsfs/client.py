"""gcsfs, unmodified, over the buckets of a server: what pandas, fsspec and Lightning read and write gs:// with.

Arguments: the buckets directory.
"""

import pathlib
import sys

import gcsfs

TREE = pathlib.Path(sys.argv[1])

files = gcsfs.GCSFileSystem(token="anon", project="p", cache_timeout=0)
files.mkdir("frames")
assert (TREE / "frames").is_dir() and "frames" in [name.strip("/") for name in files.ls("")]

with files.open("gs://frames/a/table.csv", "w") as file:
    file.write("x,y\n1,2\n")
assert (TREE / "frames/a/table.csv").read_text() == "x,y\n1,2\n"
assert files.cat("frames/a/table.csv") == b"x,y\n1,2\n"
assert files.cat_file("frames/a/table.csv", start=4, end=7) == b"1,2"

large = bytes(range(256)) * 4096 * 12  # 12 MiB, in several requests
with files.open("gs://frames/large", "wb", block_size=5 * 1024 * 1024) as file:
    file.write(large)
assert (TREE / "frames/large").read_bytes() == large
with files.open("gs://frames/large", "rb") as file:
    file.seek(len(large) - 1000)
    assert file.read() == large[-1000:]

(TREE / "frames/a/of-a-job").write_text("job")
assert sorted(files.ls("frames/a")) == ["frames/a/of-a-job", "frames/a/table.csv"]
assert files.isdir("frames/a") and files.isfile("frames/a/of-a-job") and not files.exists("frames/b")
assert files.info("frames/a/of-a-job")["size"] == 3
assert sorted(files.find("frames")) == ["frames/a/of-a-job", "frames/a/table.csv", "frames/large"]
assert files.glob("frames/*/*.csv") == ["frames/a/table.csv"]

files.cp_file("frames/a/table.csv", "frames/b/table.csv")
files.mv("frames/b/table.csv", "frames/c/table.csv")
assert files.cat("frames/c/table.csv") == b"x,y\n1,2\n" and not (TREE / "frames/b").exists()
files.rm("frames/a", recursive=True)
files.rm(["frames/large", "frames/c/table.csv"])
assert list((TREE / "frames").iterdir()) == []
files.rmdir("frames")
assert not (TREE / "frames").exists()
print("ok python-gcsfs")
