/* limits: every bound of the product in one place, each with its source.
 *
 * Units     in the name. A bound that a flag can change is the flag's default.
 */
#ifndef BASE_LIMITS_H_
#define BASE_LIMITS_H_

/* *= proto: CustomJob.display_name "up to 128 characters long"; code points. */
#define LIMIT_DISPLAY_NAME_CHARS 128
/* *= proto: CustomJob.labels "no longer than 64 characters"; code points. */
#define LIMIT_LABEL_CHARS 64
/* Google Cloud resources take 64 labels. */
#define LIMIT_LABELS_PER_JOB 64
/* *= proto: ContainerSpec.env, PythonPackageSpec.env "Maximum limit is 100". */
#define LIMIT_ENV_PER_SPEC 100
/* *= proto: PythonPackageSpec.package_uris "maximum number of package URIs is 100". */
#define LIMIT_PACKAGE_URIS 100
/* Vertex names pools 0 to 3: primary, workers, parameter servers, evaluators. */
#define LIMIT_WORKER_POOLS 4
/* *= proto: Scheduling.timeout "The default is 7 days". */
#define LIMIT_TIMEOUT_DEFAULT_S (7 * 24 * 3600)
/* *= proto: Scheduling.max_wait_duration, with FLEX_START: "The default is 24 hours". */
#define LIMIT_FLEX_START_WAIT_S (24 * 3600)
/* A protobuf Duration holds 315,576,000,000 s; more is not a Duration. */
#define LIMIT_DURATION_S INT64_C(315576000000)

/* execve: one string (MAX_ARG_STRLEN is 128 KiB with its NUL) and the sum that surely passes under 8 MB stacks. */
#define LIMIT_EXEC_STRING_BYTES (128 * 1024 - 1)
#define LIMIT_EXEC_TOTAL_BYTES (1024 * 1024)
/* The name of one environment variable; no system has one that long. */
#define LIMIT_ENV_NAME_BYTES 1024

/* A place in Cloud Storage: "gs://", a bucket's name (222), a slash, an object's name (1024). */
#define LIMIT_BUCKET_URI_BYTES (5 + 222 + 1 + 1024)

/* Entries of one directory of the buckets that are sorted to list it. */
#define LIMIT_BUCKET_ENTRIES 1000000
/* Objects in one answer; Cloud Storage's own. */
#define LIMIT_OBJECT_PAGE 1000
/* What a client may say about an object, in extended attributes: file systems give a few kilobytes. */
#define LIMIT_OBJECT_FIELDS_BYTES 3072
/* One request with an object's bytes; more goes in several. Clients of Cloud Storage send up to 100 MiB in one. */
#define LIMIT_OBJECT_BODY_BYTES (INT64_C(1024) * 1024 * 1024)
/* From the end of the last answer to the whole of the next request, where that may be an object. */
#define LIMIT_OBJECT_REQUEST_MS (15 * 60 * 1000)
/* Requests to the buckets at one time, each with a piece of LIMIT_OBJECT_PIECE_BYTES in memory, and what of an object goes to and from
 * the disk at once. */
#define LIMIT_GCS_CALLS 256
#define LIMIT_OBJECT_PIECE_BYTES (1024 * 1024)
/* Resumable uploads that nobody goes on with; Cloud Storage's own. */
#define LIMIT_UPLOAD_AGE_S (7 * 24 * 3600)
#define LIMIT_COMPOSE_SOURCES 32

/* Plain channels take 4 MB; a page of jobs is cut below it. */
#define LIMIT_PAGE_BYTES (3 * 1024 * 1024)
#define LIMIT_PAGE_SIZE_DEFAULT 100
#define LIMIT_PAGE_SIZE_MAX 1000
/* Rows that no index can decide, looked at one by one for one page: a few milliseconds. */
#define LIMIT_PAGE_ROWS_LOOKED_AT 50000
#define LIMIT_FILTER_BYTES 2048
#define LIMIT_FILTER_DEPTH 32
#define LIMIT_FILTER_TERMS 64
#define LIMIT_MASK_PATHS 100
#define LIMIT_MASK_PATH_BYTES 512

/* One request: message, and nesting while decoding. */
#define LIMIT_REQUEST_BYTES (4 * 1024 * 1024)
#define LIMIT_REQUEST_DEPTH 32
#define LIMIT_METADATA_BYTES (16 * 1024)
#define LIMIT_STREAMS_PER_CONNECTION 1000
#define LIMIT_CALLS_IN_FLIGHT 8192
#define LIMIT_HANDSHAKE_MS 10000
/* Of one stream, waiting for its client to read. */
#define LIMIT_STREAM_UNSENT_BYTES (4 * 1024 * 1024)

/* HTTP: connections at one time, each with at most one head of libh2o's 408 KiB and bodies of LIMIT_REQUEST_BYTES. */
#define LIMIT_HTTP_CONNECTIONS 1024
/* From the end of the last answer to the whole of the next request; also of an idle connection. */
#define LIMIT_HTTP_REQUEST_MS 60000
/* For one write of an answer, which is at most a few megabytes. */
#define LIMIT_HTTP_ANSWER_MS 60000
/* A call over HTTP, which has no deadline of its own, is given this: it bounds a wait. */
#define LIMIT_HTTP_CALL_S 300
/* Query parameters of one request, and a path with all of them. */
#define LIMIT_HTTP_PARAMETERS 64

/* One id in a resource's name: of a project, a location, a job. Google's own have at most 63; old projects carry a
 * domain. */
#define LIMIT_NAME_ID_CHARS 128

/* Messages waiting for the controller; a full mailbox answers RESOURCE_EXHAUSTED. */
#define LIMIT_CONTROLLER_MAIL 16384
/* Calls that wait for an operation at one time. */
#define LIMIT_OPERATION_WAITS 4096
#define LIMIT_OPERATION_WAIT_S 3600

/* Create calls with an idempotency key that are remembered at one time; each for a day. */
#define LIMIT_REQUEST_IDS (1024 * 1024)
/* One such key; a UUID has 36. */
#define LIMIT_REQUEST_ID_CHARS 256

/* One stored value: job, operation or execution record. */
#define LIMIT_VALUE_BYTES (8 * 1024 * 1024)

/* Log files of one replica: the first bytes are kept, then the file is capped. */
#define LIMIT_LOG_STREAM_BYTES_DEFAULT (64 * 1024 * 1024)
/* Logs that are read at one time, each with files open and a page of it in memory. */
/* nfs_mounts and lustre_mounts of one pool. */
#define LIMIT_TASK_MOUNTS 16
#define LIMIT_LOG_STREAMS 256
/* Clients that watch the server's health at one time. */
#define LIMIT_HEALTH_WATCHES 1024
/* The last lines of stderr that stand in a job's error. */
#define LIMIT_ERROR_TAIL_BYTES 2048

#endif /* BASE_LIMITS_H_ */
