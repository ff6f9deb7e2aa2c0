"""CustomJob.from_local_script, unmodified: the script goes to a bucket, the job gets it from there, and writes to another.

Arguments: the endpoint's URL, the buckets directory.
"""

import pathlib
import sys
import tempfile

from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform, storage

URL, TREE = sys.argv[1], pathlib.Path(sys.argv[2])
SCRIPT = """
import os, sys
folder = os.environ["AIP_MODEL_DIR"]
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, "weights"), "w") as file:
    file.write(" ".join(sys.argv[1:]))
"""

credentials = AnonymousCredentials()
storage.Client(project="p", credentials=credentials).create_bucket("staging")
aiplatform.init(project="p", location="us-central1", api_endpoint=URL, api_transport="rest", credentials=credentials,
                staging_bucket="gs://staging")
with tempfile.TemporaryDirectory() as folder:
    script = pathlib.Path(folder) / "task.py"
    script.write_text(SCRIPT)
    job = aiplatform.CustomJob.from_local_script(
        display_name="local-script", script_path=str(script), args=["--epochs", "3"], machine_type="n1-standard-4",
        container_uri="us-docker.pkg.dev/vertex-ai/training/pytorch-gpu.2-1.py310:latest",
        base_output_dir="gs://staging/out")
    job.run()
assert job.state.name == "JOB_STATE_SUCCEEDED", job.state
assert (TREE / "staging/out/model/weights").read_text() == "--epochs 3"
weights = storage.Client(project="p", credentials=credentials).bucket("staging").blob("out/model/weights")
assert weights.download_as_text() == "--epochs 3"
print("ok python-local-script: what the job wrote to AIP_MODEL_DIR is read from its bucket")
