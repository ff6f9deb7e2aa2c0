"""A timeout of seven days in a second: week.py [ENDPOINT] of customjobd serve --executor simulate --clock virtual."""

import datetime
import sys

import grpc
from google.cloud.aiplatform_v1 import JobServiceClient
from google.cloud.aiplatform_v1.services.job_service.transports import JobServiceGrpcTransport
from google.protobuf.duration_pb2 import Duration

channel = grpc.insecure_channel(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8080")
client = JobServiceClient(transport=JobServiceGrpcTransport(channel=channel))

# Without code generated for it: an AdvanceClockRequest is a Duration in its field 1.
advance_clock = channel.unary_unary(
    "/customjobd.v1.Simulation/AdvanceClock",
    request_serializer=lambda by: b"\x0a" + bytes([by.ByteSize()]) + by.SerializeToString(),
)


def advance(**time):
    by = Duration()
    by.FromTimedelta(datetime.timedelta(**time))
    advance_clock(by)


job = client.create_custom_job(
    parent="projects/demo/locations/us-central1",
    custom_job={
        "display_name": "thirty-days",
        "labels": {"simulate-duration": "30d"},
        "job_spec": {
            "worker_pool_specs": [
                {"replica_count": 1, "container_spec": {"image_uri": "train:latest", "command": ["train"]}}
            ]
        },
    },
)
for day in range(8):
    job = client.get_custom_job(name=job.name)
    print(f"day {day}: {job.state.name}")
    advance(days=1)
assert job.end_time - job.start_time == datetime.timedelta(days=7)
print(job.error.message)
