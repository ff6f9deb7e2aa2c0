"""A first job with the generated Python client: gapic.py [ENDPOINT]."""

import sys
import time

import grpc
from google.cloud.aiplatform_v1 import JobServiceClient
from google.cloud.aiplatform_v1.services.job_service.transports import JobServiceGrpcTransport

channel = grpc.insecure_channel(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8080")
client = JobServiceClient(transport=JobServiceGrpcTransport(channel=channel))
job = client.create_custom_job(
    parent="projects/demo/locations/us-central1",
    custom_job={
        "display_name": "hello-gapic",
        "job_spec": {
            "worker_pool_specs": [
                {
                    "replica_count": 1,
                    "container_spec": {"image_uri": "debian:12", "command": ["sh", "-c", "echo hello"]},
                }
            ]
        },
    },
)
while not job.end_time:
    time.sleep(0.1)
    job = client.get_custom_job(name=job.name)
print(job.name, job.state.name)
