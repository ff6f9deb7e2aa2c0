"""What TensorFlow's TFConfigClusterResolver makes of TF_CONFIG, by the rules in its documentation."""

import json
import os
import pathlib
import time

config = json.loads(os.environ["TF_CONFIG"])
cluster, task = config["cluster"], config["task"]
assert set(cluster) == {"chief", "worker", "ps"}, cluster
assert [len(cluster[kind]) for kind in ("chief", "worker", "ps")] == [1, 2, 1], cluster
address = cluster[task["type"]][task["index"]]
assert address.count(":") == 1, address
assert len({host for hosts in cluster.values() for host in hosts}) == 4, cluster
assert config["environment"] == "cloud", config
print(f"{task['type']}:{task['index']} at {address}", flush=True)

# The job is over when its chief is: it waits for what the others have found.
found = pathlib.Path(os.environ["CUSTOMJOBD_BUCKETS"], "b", "tf-config")
found.mkdir(exist_ok=True)
(found / f"{task['type']}-{task['index']}").touch()
deadline = time.monotonic() + 60
while task["type"] == "chief" and len(list(found.iterdir())) < 4:
    assert time.monotonic() < deadline, sorted(found.iterdir())
    time.sleep(0.05)
