#!/usr/bin/env bash
# A first job with grpcurl, which learns the API from the server's reflection: grpcurl.sh [HOST:PORT]
set -euo pipefail

endpoint=${1:-127.0.0.1:8080}
service=google.cloud.aiplatform.v1.JobService

grpcurl -plaintext "$endpoint" describe "$service.CreateCustomJob"
grpcurl -plaintext -d @ "$endpoint" "$service/CreateCustomJob" <<'REQUEST'
{
  "parent": "projects/demo/locations/us-central1",
  "customJob": {
    "displayName": "hello-grpcurl",
    "jobSpec": {
      "workerPoolSpecs": [
        {"replicaCount": "1", "containerSpec": {"imageUri": "debian:12", "command": ["sh", "-c", "echo hello"]}}
      ]
    }
  }
}
REQUEST
grpcurl -plaintext -d '{"parent": "projects/demo/locations/us-central1", "pageSize": 1}' "$endpoint" "$service/ListCustomJobs"
