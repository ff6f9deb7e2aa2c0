#include "server/log_record.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "google/api/monitored_resource.upb.h"
#include "google/logging/v2/log_entry.upb.h"
#include "google/protobuf/struct.upb.h"
#include "google/protobuf/timestamp.upb.h"
#include "job/job_error.h"
#include "server/log_severity.h"

#define ENTRY(name) google_logging_v2_LogEntry_##name
#define RESOURCE_TYPE "ml_job"
#define SERVICE_TASK "service"
/* A line that is nested deeper is shown as text. */
#define JSON_DEPTH_MAX 32

void log_insert_id_format(const uint64_t place[2], char insert_id[LOG_INSERT_ID_CHARS + 1])
{
    snprintf(insert_id, LOG_INSERT_ID_CHARS + 1, "%016" PRIx64 "%016" PRIx64, place[0], place[1]);
}

/* ---- a line ---- */

static bool is_shallow(const json_t *json, int depth)
{
    size_t index;
    const char *key;
    json_t *value;

    if (depth == 0) {
        return false;
    }
    json_object_foreach((json_t *)json, key, value)
    {
        if (!is_shallow(value, depth - 1)) {
            return false;
        }
    }
    json_array_foreach(json, index, value)
    {
        if (!is_shallow(value, depth - 1)) {
            return false;
        }
    }
    return true;
}

static json_t *read_object(struct span text)
{
    json_t *json = text.size > 1 && text.data[0] == '{'
                       ? json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL)
                       : NULL;

    if (json && !is_shallow(json, JSON_DEPTH_MAX)) {
        json_decref(json);
        json = NULL;
    }
    return json;
}

static void lift_severity(struct log_record *record)
{
    const json_t *severity = json_object_get(record->json, "severity");
    const char *name = json_string_value(severity);

    if (name && log_severity_parse(span_make(name, json_string_length(severity)), &record->severity)) {
        json_object_del(record->json, "severity");
    }
}

static int take_text(struct log_record *record, const struct log_line *line, struct err *err)
{
    if (line->dropped_bytes > 0) {
        record->severity = LOG_SEVERITY_WARNING;
        record->text_size = (size_t)asprintf(&record->text, "%" PRIu64 " bytes were dropped here", line->dropped_bytes);
    } else {
        record->text_size = line->text.size;
        record->text = malloc(line->text.size + 1);
    }
    if (!record->text || record->text_size == SIZE_MAX) {
        record->text = NULL;
        return err_set(err, ERR_EXHAUSTED, "no memory for a log entry");
    }
    if (line->dropped_bytes == 0) {
        memcpy(record->text, line->text.data, line->text.size);
        text_make_utf8(record->text, record->text_size);
    }
    return 0;
}

int log_record_init(struct log_record *record, const struct log_line *line, const struct log_origin *origin,
                    bool reads_payload, struct err *err)
{
    bool is_service = line->stream == LOG_STREAM_SERVICE;

    memset(record, 0, sizeof *record);
    record->time_unix_ns = line->order_unix_ns;
    record->severity = line->stream == LOG_STREAM_STDERR ? LOG_SEVERITY_ERROR : LOG_SEVERITY_INFO;
    record->is_partial = line->partial;
    record->line_bytes = line->text.size;
    log_insert_id_format(line->place, record->insert_id);
    snprintf(record->task_name, sizeof record->task_name, "%s", is_service ? SERVICE_TASK : line->replica);
    snprintf(record->log_name, sizeof record->log_name, "projects/%.*s/logs/%s", SPAN_FORMAT(origin->project),
             record->task_name);
    if (!reads_payload) {
        return 0;
    }
    if (!line->partial && line->dropped_bytes == 0) {
        record->json = read_object(line->text);
    }
    if (record->json) {
        lift_severity(record);
        return 0;
    }
    return take_text(record, line, err);
}

void log_record_deinit(struct log_record *record)
{
    json_decref(record->json);
    free(record->text);
    record->json = NULL;
    record->text = NULL;
}

void log_record_facts(const struct log_record *record, const struct log_origin *origin, struct log_facts *ret_facts)
{
    const json_t *message = json_object_get(record->json, "message");

    *ret_facts = (struct log_facts){.time_unix_ns = record->time_unix_ns, .severity = record->severity};
    ret_facts->texts[LOG_FIELD_RESOURCE_TYPE] = span_of(RESOURCE_TYPE);
    ret_facts->texts[LOG_FIELD_JOB_ID] = origin->job_id;
    ret_facts->texts[LOG_FIELD_PROJECT_ID] = origin->project;
    ret_facts->texts[LOG_FIELD_TASK_NAME] = span_of(record->task_name);
    ret_facts->texts[LOG_FIELD_LOG_NAME] = span_of(record->log_name);
    ret_facts->texts[LOG_FIELD_INSERT_ID] = span_of(record->insert_id);
    ret_facts->texts[LOG_FIELD_TEXT] = span_make(record->text, record->text_size);
    if (json_is_string(message)) {
        ret_facts->texts[LOG_FIELD_MESSAGE] = span_make(json_string_value(message), json_string_length(message));
    }
}

/* ---- an entry ---- */

static upb_StringView copy(struct upb_Arena *arena, const char *text, size_t size)
{
    char *bytes = upb_Arena_Malloc(arena, size + 1);

    if (!bytes) {
        return upb_StringView_FromDataAndSize(NULL, 0);
    }
    memcpy(bytes, text, size);
    return upb_StringView_FromDataAndSize(bytes, size);
}

static bool write_value(const json_t *json, google_protobuf_Value *value, struct upb_Arena *arena);

/* Memory alone can be the reason for false, here and below. */
static bool write_struct(const json_t *json, google_protobuf_Struct *fields, struct upb_Arena *arena)
{
    const char *key;
    size_t key_size;
    json_t *item;

    if (!fields) {
        return false;
    }
    json_object_keylen_foreach((json_t *)json, key, key_size, item)
    {
        google_protobuf_Value *value = google_protobuf_Value_new(arena);

        if (!value || !write_value(item, value, arena) ||
            !google_protobuf_Struct_fields_set(fields, copy(arena, key, key_size), value, arena)) {
            return false;
        }
    }
    return true;
}

static bool write_list(const json_t *json, google_protobuf_ListValue *list, struct upb_Arena *arena)
{
    size_t index;
    json_t *item;

    if (!list) {
        return false;
    }
    json_array_foreach(json, index, item)
    {
        google_protobuf_Value *value = google_protobuf_ListValue_add_values(list, arena);

        if (!value || !write_value(item, value, arena)) {
            return false;
        }
    }
    return true;
}

static bool write_value(const json_t *json, google_protobuf_Value *value, struct upb_Arena *arena)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return write_struct(json, google_protobuf_Value_mutable_struct_value(value, arena), arena);
    case JSON_ARRAY:
        return write_list(json, google_protobuf_Value_mutable_list_value(value, arena), arena);
    case JSON_STRING:
        google_protobuf_Value_set_string_value(value, copy(arena, json_string_value(json), json_string_length(json)));
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        google_protobuf_Value_set_number_value(value, json_number_value(json));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        google_protobuf_Value_set_bool_value(value, json_is_true(json));
        break;
    case JSON_NULL:
        google_protobuf_Value_set_null_value(value, 0);
        break;
    }
    return true;
}

static bool write_resource(const struct log_record *record, const struct log_origin *origin,
                           google_api_MonitoredResource *resource, struct upb_Arena *arena)
{
    const struct {
        const char *name;
        struct span value;
    } labels[] = {
        {"job_id", origin->job_id}, {"project_id", origin->project}, {"task_name", span_of(record->task_name)}};
    bool is_written = resource != NULL;

    for (size_t i = 0; is_written && i < sizeof labels / sizeof labels[0]; i++) {
        is_written =
            google_api_MonitoredResource_labels_set(resource, upb_StringView_FromString(labels[i].name),
                                                    copy(arena, labels[i].value.data, labels[i].value.size), arena);
    }
    if (is_written) {
        google_api_MonitoredResource_set_type(resource, upb_StringView_FromString(RESOURCE_TYPE));
    }
    return is_written;
}

static bool write_times(const struct log_record *record, google_logging_v2_LogEntry *entry, struct upb_Arena *arena)
{
    google_protobuf_Timestamp *times[2] = {ENTRY(mutable_timestamp)(entry, arena),
                                           ENTRY(mutable_receive_timestamp)(entry, arena)};
    int64_t seconds = record->time_unix_ns / CLOCK_NS_PER_S;
    int64_t nanos = record->time_unix_ns % CLOCK_NS_PER_S;

    for (int i = 0; i < 2; i++) {
        if (!times[i]) {
            return false;
        }
        google_protobuf_Timestamp_set_seconds(times[i], nanos < 0 ? seconds - 1 : seconds);
        google_protobuf_Timestamp_set_nanos(times[i], (int32_t)(nanos < 0 ? nanos + CLOCK_NS_PER_S : nanos));
    }
    return true;
}

static bool write_payload(const struct log_record *record, google_logging_v2_LogEntry *entry, struct upb_Arena *arena)
{
    if (record->json) {
        return write_struct(record->json, ENTRY(mutable_json_payload)(entry, arena), arena);
    }
    ENTRY(set_text_payload)(entry, copy(arena, record->text, record->text_size));
    return !record->is_partial || ENTRY(labels_set)(entry, upb_StringView_FromString("customjobd/partial"),
                                                    upb_StringView_FromString("true"), arena);
}

int log_record_write(const struct log_record *record, const struct log_origin *origin,
                     google_logging_v2_LogEntry *entry, struct upb_Arena *arena, struct err *err)
{
    ENTRY(set_log_name)(entry, copy(arena, record->log_name, strlen(record->log_name)));
    ENTRY(set_insert_id)(entry, copy(arena, record->insert_id, LOG_INSERT_ID_CHARS));
    ENTRY(set_severity)(entry, record->severity);
    if (!write_resource(record, origin, ENTRY(mutable_resource)(entry, arena), arena) ||
        !write_times(record, entry, arena) || !write_payload(record, entry, arena)) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a log entry");
    }
    return 0;
}
