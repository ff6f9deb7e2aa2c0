#include "cli/job_view.h"

#include "cli/duration.h"
#include "cli/rpc_status.h"
#include "cli/state.h"
#include "cli/utf8.h"
#include "google/cloud/aiplatform/v1/env_var.upb.h"
#include "google/cloud/aiplatform/v1/io.upb.h"
#include "google/cloud/aiplatform/v1/machine_resources.upb.h"

#define LABEL_COLUMNS 15

const char *const job_view_titles[] = {"ID", "DISPLAY NAME", "STATE", "REPLICAS", "CREATED", "DURATION", NULL};

struct span job_view_id(struct span name)
{
    const char *slash = name.size > 0 ? memrchr(name.data, '/', name.size) : NULL;

    return slash ? span_skip(name, (size_t)(slash - name.data) + 1) : name;
}

int64_t job_view_replicas(const API(CustomJob) * job)
{
    const API(CustomJobSpec) *spec = API(CustomJob_job_spec)(job);
    size_t count = 0;
    int64_t replicas = 0;
    const API(WorkerPoolSpec) *const *pools = spec ? API(CustomJobSpec_worker_pool_specs)(spec, &count) : NULL;

    for (size_t i = 0; i < count; i++) {
        int64_t of_pool = API(WorkerPoolSpec_replica_count)(pools[i]);

        /* An empty pool keeps its place and has none; one with a task and no number has one. */
        if (of_pool == 0 && API(WorkerPoolSpec_task_case)(pools[i]) != API(WorkerPoolSpec_task_NOT_SET)) {
            of_pool = 1;
        }
        if (__builtin_add_overflow(replicas, of_pool, &replicas)) {
            return INT64_MAX;
        }
    }
    return replicas;
}

static void add_run_time(struct text *text, const API(CustomJob) * job, int64_t now_unix_ns)
{
    int64_t start = api_time(API(CustomJob_start_time)(job)), end = api_time(API(CustomJob_end_time)(job));

    if (start == 0) {
        return;
    }
    if (end == 0) {
        end = now_unix_ns;
    }
    duration_add(text, end > start ? end - start : 0);
}

static void add_time(struct text *text, const google_protobuf_Timestamp *time)
{
    if (api_time(time) != 0) {
        time_add(text, api_time(time), 0);
    }
}

void job_view_add_row(struct table *table, const API(CustomJob) * job, int64_t now_unix_ns)
{
    char buffer[24];
    struct text cell = {.data = NULL};

    table_add(table, job_view_id(api_span(API(CustomJob_name)(job))));
    table_add(table, api_span(API(CustomJob_display_name)(job)));
    table_add(table, span_of(state_name(API(CustomJob_state)(job), buffer)));
    text_add_format(&cell, "%lld", (long long)job_view_replicas(job));
    table_add(table, text_span(&cell));
    text_cut(&cell, 0);
    add_time(&cell, API(CustomJob_create_time)(job));
    table_add(table, text_span(&cell));
    text_cut(&cell, 0);
    add_run_time(&cell, job, now_unix_ns);
    table_add(table, text_span(&cell));
    text_deinit(&cell);
}

static void add_label(struct text *text, const char *label)
{
    text_add_text(text, label);
    text_add_char(text, ':');
    text_add_repeated(text, ' ', LABEL_COLUMNS - strlen(label) - 1);
}

static void add_line(struct text *text, const char *label, struct span value)
{
    if (value.size > 0) {
        add_label(text, label);
        utf8_add_printable(text, value);
        text_add_char(text, '\n');
    }
}

static void add_time_line(struct text *text, const char *label, const google_protobuf_Timestamp *time)
{
    if (api_time(time) != 0) {
        add_label(text, label);
        add_time(text, time);
        text_add_char(text, '\n');
    }
}

static void add_labels(struct text *text, const API(CustomJob) * job)
{
    size_t position = kUpb_Map_Begin;
    const API(CustomJob_LabelsEntry) * entry;
    bool first = true;

    while ((entry = API(CustomJob_labels_next)(job, &position))) {
        if (first) {
            add_label(text, "Labels");
        }
        text_add_text(text, first ? "" : ", ");
        first = false;
        utf8_add_printable(text, api_span(API(CustomJob_LabelsEntry_key)(entry)));
        text_add_char(text, '=');
        utf8_add_printable(text, api_span(API(CustomJob_LabelsEntry_value)(entry)));
    }
    text_add_text(text, first ? "" : "\n");
}

static void add_words(struct text *text, const upb_StringView *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_add_char(text, ' ');
        utf8_add_printable(text, api_span(words[i]));
    }
}

static void add_machine(struct text *text, const API(MachineSpec) * machine)
{
    if (machine && API(MachineSpec_machine_type)(machine).size > 0) {
        text_add_text(text, " on ");
        utf8_add_printable(text, api_span(API(MachineSpec_machine_type)(machine)));
    }
    if (machine && API(MachineSpec_accelerator_count)(machine) > 0) {
        text_add_format(text, " with %d accelerators", API(MachineSpec_accelerator_count)(machine));
    }
}

static void add_pool(struct text *text, const API(WorkerPoolSpec) * pool, size_t index)
{
    const API(ContainerSpec) *container = API(WorkerPoolSpec_container_spec)(pool);
    const API(PythonPackageSpec) *package = API(WorkerPoolSpec_python_package_spec)(pool);
    int64_t replicas = API(WorkerPoolSpec_replica_count)(pool);
    size_t count = 0;

    text_add_format(text, "  workerpool%zu   ", index);
    if (!container && !package) {
        text_add_text(text, "empty\n");
        return;
    }
    text_add_format(text, "%lldx ", (long long)(replicas ? replicas : 1));
    if (container) {
        const upb_StringView *words;

        utf8_add_printable(text, api_span(API(ContainerSpec_image_uri)(container)));
        add_machine(text, API(WorkerPoolSpec_machine_spec)(pool));
        words = API(ContainerSpec_command)(container, &count);
        text_add_text(text, count > 0 ? ":" : "");
        add_words(text, words, count);
        words = API(ContainerSpec_args)(container, &count);
        add_words(text, words, count);
    } else {
        utf8_add_printable(text, api_span(API(PythonPackageSpec_executor_image_uri)(package)));
        add_machine(text, API(WorkerPoolSpec_machine_spec)(pool));
        text_add_text(text, ": python -m ");
        utf8_add_printable(text, api_span(API(PythonPackageSpec_python_module)(package)));
        add_words(text, API(PythonPackageSpec_args)(package, &count), count);
    }
    text_add_char(text, '\n');
}

/* A multi-line message keeps its lines, set in. */
static void add_error(struct text *text, const google_rpc_Status *error)
{
    struct span rest = api_span(google_rpc_Status_message(error));

    add_label(text, "Error");
    text_add_format(text, "%s (%d)\n", rpc_status_name(google_rpc_Status_code(error)), google_rpc_Status_code(error));
    while (rest.size > 0) {
        const char *end = memchr(rest.data, '\n', rest.size);
        struct span line = span_make(rest.data, end ? (size_t)(end - rest.data) : rest.size);

        text_add_text(text, "  ");
        utf8_add_printable(text, line);
        text_add_char(text, '\n');
        rest = span_skip(rest, end ? line.size + 1 : line.size);
    }
}

void job_view_add(struct text *text, const API(CustomJob) * job, int64_t now_unix_ns, bool colour)
{
    const API(CustomJobSpec) *spec = API(CustomJob_job_spec)(job);
    char buffer[24];
    const char *state = state_name(API(CustomJob_state)(job), buffer);
    const char *start = colour ? state_colour(span_of(state)) : "";
    size_t count = 0;
    const API(WorkerPoolSpec) *const *pools = spec ? API(CustomJobSpec_worker_pool_specs)(spec, &count) : NULL;

    add_line(text, "Name", api_span(API(CustomJob_name)(job)));
    add_line(text, "Display name", api_span(API(CustomJob_display_name)(job)));
    add_label(text, "State");
    text_add_format(text, "%s%s%s\n", start, state, start[0] ? STATE_PLAIN : "");
    add_labels(text, job);
    add_time_line(text, "Created", API(CustomJob_create_time)(job));
    add_time_line(text, "Started", API(CustomJob_start_time)(job));
    add_time_line(text, "Ended", API(CustomJob_end_time)(job));
    if (api_time(API(CustomJob_start_time)(job)) != 0) {
        add_label(text, "Duration");
        add_run_time(text, job, now_unix_ns);
        text_add_char(text, '\n');
    }
    text_add_text(text, count > 0 ? "Worker pools:\n" : "");
    for (size_t i = 0; i < count; i++) {
        add_pool(text, pools[i], i);
    }
    if (API(CustomJob_error)(job)) {
        add_error(text, API(CustomJob_error)(job));
    }
}
