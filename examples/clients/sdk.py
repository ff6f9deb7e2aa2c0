"""A first job with the Python SDK, over TLS: sdk.py [ENDPOINT], with GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=cert.pem set."""

import sys

from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform

aiplatform.init(
    project="demo",
    location="us-central1",
    staging_bucket="gs://demo",
    api_endpoint=sys.argv[1] if len(sys.argv) > 1 else "localhost:8443",
    credentials=AnonymousCredentials(),
)
job = aiplatform.CustomJob(
    display_name="hello-sdk",
    worker_pool_specs=[
        {
            "replica_count": 1,
            "machine_spec": {"machine_type": "n1-standard-4"},
            "container_spec": {"image_uri": "debian:12", "command": ["sh", "-c", "echo hello from $CLOUD_ML_JOB_ID"]},
        }
    ],
)
job.run()
print(job.resource_name, job.state.name)
