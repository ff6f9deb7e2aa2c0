/* The codec between plain structs and nanopb's, and the framing of the event file. */
#include "supervisor/supervisor_wire.h"

#include <pb_decode.h>
#include <pb_encode.h>
#include <string.h>

#include "customjobd/supervisor/v1/supervisor.pb.h"

#define WIRE(name) customjobd_supervisor_v1_##name

_Static_assert(WIRE(Event_size) <= SUPERVISOR_MESSAGE_BYTES, "an event fits into a message");
_Static_assert(WIRE(Request_size) <= SUPERVISOR_MESSAGE_BYTES, "a request fits into a message");
_Static_assert(sizeof(((struct supervisor_launch *)0)->boot_id) == sizeof(((WIRE(Launch) *)0)->boot_id),
               "boot ids have one size");
_Static_assert(sizeof(((struct supervisor_exec_failed *)0)->what) == sizeof(((WIRE(ExecFailed) *)0)->what),
               "reasons have one size");
_Static_assert(SUPERVISOR_MAGIC_BYTES + 7 * (SUPERVISOR_FRAME_HEAD_BYTES + WIRE(Event_size)) <= SUPERVISOR_FILE_BYTES,
               "one event of each kind fits into a file");

uint32_t supervisor_crc32c(uint32_t crc, const void *data, size_t size)
{
    /* The reflected polynomial 0x82f63b78, four bits a step: small rather than fast, for a few hundred bytes. */
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const unsigned char *bytes = data;
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return ~crc;
}

static void put_u32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

static uint32_t get_u32(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void copy_text(char *to, const char *from, size_t to_bytes)
{
    size_t length = strnlen(from, to_bytes - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

static void exit_to_nano(const struct supervisor_exit *from, WIRE(Exit) * to)
{
    to->exit_code = from->exit_code;
    to->term_signal = from->term_signal;
    to->stopped = from->stopped;
    to->oom_killed = from->oom_killed;
    to->orphans_killed = from->orphans_killed;
    to->utime_us = from->utime_us;
    to->stime_us = from->stime_us;
    to->maxrss_kb = from->maxrss_kb;
}

static void exit_from_nano(const WIRE(Exit) * from, struct supervisor_exit *to)
{
    to->exit_code = from->exit_code;
    to->term_signal = from->term_signal;
    to->stopped = from->stopped;
    to->oom_killed = from->oom_killed;
    to->orphans_killed = from->orphans_killed;
    to->utime_us = from->utime_us;
    to->stime_us = from->stime_us;
    to->maxrss_kb = from->maxrss_kb;
}

static bool event_to_nano(const struct supervisor_event *event, WIRE(Event) * evt_nano)
{
    evt_nano->seq = event->seq;
    evt_nano->time_unix_ns = event->time_unix_ns;
    switch (event->kind) {
    case SUPERVISOR_EVENT_LAUNCH:
        evt_nano->which_kind = WIRE(Event_launch_tag);
        copy_text(evt_nano->kind.launch.boot_id, event->of.launch.boot_id, sizeof evt_nano->kind.launch.boot_id);
        evt_nano->kind.launch.pid = event->of.launch.pid;
        evt_nano->kind.launch.start_time_ticks = event->of.launch.start_time_ticks;
        return true;
    case SUPERVISOR_EVENT_RUN:
        evt_nano->which_kind = WIRE(Event_run_tag);
        evt_nano->kind.run.pid = event->of.run.pid;
        evt_nano->kind.run.start_time_ticks = event->of.run.start_time_ticks;
        return true;
    case SUPERVISOR_EVENT_EXEC_FAILED:
        evt_nano->which_kind = WIRE(Event_exec_failed_tag);
        evt_nano->kind.exec_failed.error_number = event->of.exec_failed.error_number;
        copy_text(evt_nano->kind.exec_failed.what, event->of.exec_failed.what, sizeof evt_nano->kind.exec_failed.what);
        return true;
    case SUPERVISOR_EVENT_STOP:
        evt_nano->which_kind = WIRE(Event_stop_tag);
        evt_nano->kind.stop.grace_ms = event->of.stop_grace_ms;
        return true;
    case SUPERVISOR_EVENT_KILL:
        evt_nano->which_kind = WIRE(Event_kill_tag);
        return true;
    case SUPERVISOR_EVENT_EXIT:
        evt_nano->which_kind = WIRE(Event_exit_tag);
        exit_to_nano(&event->of.exit, &evt_nano->kind.exit);
        return true;
    case SUPERVISOR_EVENT_UNKNOWN:
        return false;
    }
    return false;
}

size_t supervisor_event_encode(const struct supervisor_event *event, void *data, size_t size)
{
    WIRE(Event) evt_nano = WIRE(Event_init_zero);
    if (!event_to_nano(event, &evt_nano))
        return 0;
    pb_ostream_t stream = pb_ostream_from_buffer(data, size);
    return pb_encode(&stream, WIRE(Event_fields), &evt_nano) ? stream.bytes_written : 0;
}

static void event_from_nano(const WIRE(Event) * evt_nano, struct supervisor_event *event)
{
    event->seq = evt_nano->seq;
    event->time_unix_ns = evt_nano->time_unix_ns;
    event->kind = SUPERVISOR_EVENT_UNKNOWN;
    switch (evt_nano->which_kind) {
    case WIRE(Event_launch_tag):
        event->kind = SUPERVISOR_EVENT_LAUNCH;
        copy_text(event->of.launch.boot_id, evt_nano->kind.launch.boot_id, sizeof event->of.launch.boot_id);
        event->of.launch.pid = evt_nano->kind.launch.pid;
        event->of.launch.start_time_ticks = evt_nano->kind.launch.start_time_ticks;
        break;
    case WIRE(Event_run_tag):
        event->kind = SUPERVISOR_EVENT_RUN;
        event->of.run.pid = evt_nano->kind.run.pid;
        event->of.run.start_time_ticks = evt_nano->kind.run.start_time_ticks;
        break;
    case WIRE(Event_exec_failed_tag):
        event->kind = SUPERVISOR_EVENT_EXEC_FAILED;
        event->of.exec_failed.error_number = evt_nano->kind.exec_failed.error_number;
        copy_text(event->of.exec_failed.what, evt_nano->kind.exec_failed.what, sizeof event->of.exec_failed.what);
        break;
    case WIRE(Event_stop_tag):
        event->kind = SUPERVISOR_EVENT_STOP;
        event->of.stop_grace_ms = evt_nano->kind.stop.grace_ms;
        break;
    case WIRE(Event_kill_tag):
        event->kind = SUPERVISOR_EVENT_KILL;
        break;
    case WIRE(Event_exit_tag):
        event->kind = SUPERVISOR_EVENT_EXIT;
        exit_from_nano(&evt_nano->kind.exit, &event->of.exit);
        break;
    default:
        break;
    }
}

bool supervisor_event_decode(const void *data, size_t size, struct supervisor_event *ret_event)
{
    WIRE(Event) evt_nano = WIRE(Event_init_zero);
    pb_istream_t stream = pb_istream_from_buffer(data, size);
    if (!pb_decode(&stream, WIRE(Event_fields), &evt_nano))
        return false;
    event_from_nano(&evt_nano, ret_event);
    return true;
}

size_t supervisor_request_encode(const struct supervisor_request *request, void *data, size_t size)
{
    WIRE(Request) req_nano = WIRE(Request_init_zero);
    switch (request->kind) {
    case SUPERVISOR_REQUEST_SUBSCRIBE:
        req_nano.which_kind = WIRE(Request_subscribe_tag);
        req_nano.kind.subscribe.after_seq = request->after_seq;
        break;
    case SUPERVISOR_REQUEST_STOP:
        req_nano.which_kind = WIRE(Request_stop_tag);
        req_nano.kind.stop.grace_ms = request->stop_grace_ms;
        break;
    case SUPERVISOR_REQUEST_STATUS:
        req_nano.which_kind = WIRE(Request_status_tag);
        break;
    case SUPERVISOR_REQUEST_UNKNOWN:
        return 0;
    }
    pb_ostream_t stream = pb_ostream_from_buffer(data, size);
    return pb_encode(&stream, WIRE(Request_fields), &req_nano) ? stream.bytes_written : 0;
}

bool supervisor_request_decode(const void *data, size_t size, struct supervisor_request *ret_request)
{
    WIRE(Request) req_nano = WIRE(Request_init_zero);
    pb_istream_t stream = pb_istream_from_buffer(data, size);
    if (!pb_decode(&stream, WIRE(Request_fields), &req_nano))
        return false;
    struct supervisor_request request = {0};
    switch (req_nano.which_kind) {
    case WIRE(Request_subscribe_tag):
        request.kind = SUPERVISOR_REQUEST_SUBSCRIBE;
        request.after_seq = req_nano.kind.subscribe.after_seq;
        break;
    case WIRE(Request_stop_tag):
        request.kind = SUPERVISOR_REQUEST_STOP;
        request.stop_grace_ms = req_nano.kind.stop.grace_ms;
        break;
    case WIRE(Request_status_tag):
        request.kind = SUPERVISOR_REQUEST_STATUS;
        break;
    default:
        break;
    }
    *ret_request = request;
    return true;
}

size_t supervisor_frame_encode(const struct supervisor_event *event, void *data, size_t size)
{
    if (size < SUPERVISOR_FRAME_HEAD_BYTES)
        return 0;
    unsigned char *bytes = data;
    unsigned char *payload = bytes + SUPERVISOR_FRAME_HEAD_BYTES;
    size_t length = supervisor_event_encode(event, payload, size - SUPERVISOR_FRAME_HEAD_BYTES);
    if (length == 0 || length > SUPERVISOR_MESSAGE_BYTES)
        return 0;
    put_u32(bytes, (uint32_t)length);
    put_u32(bytes + 4, supervisor_crc32c(supervisor_crc32c(0, bytes, 4), payload, length));
    return SUPERVISOR_FRAME_HEAD_BYTES + length;
}

/* One frame at data; its size, or 0 when there is no valid one. */
static size_t frame_decode(const unsigned char *data, size_t size, struct supervisor_event *event)
{
    if (size < SUPERVISOR_FRAME_HEAD_BYTES)
        return 0;
    uint32_t length = get_u32(data);
    if (length == 0 || length > SUPERVISOR_MESSAGE_BYTES || length > size - SUPERVISOR_FRAME_HEAD_BYTES)
        return 0;
    const unsigned char *payload = data + SUPERVISOR_FRAME_HEAD_BYTES;
    if (get_u32(data + 4) != supervisor_crc32c(supervisor_crc32c(0, data, 4), payload, length) ||
        !supervisor_event_decode(payload, length, event))
        return 0;
    return SUPERVISOR_FRAME_HEAD_BYTES + length;
}

static void history_add(struct supervisor_history *history, const struct supervisor_event *event)
{
    switch (event->kind) {
    case SUPERVISOR_EVENT_LAUNCH:
        history->has_launch = true;
        history->launch = *event;
        break;
    case SUPERVISOR_EVENT_RUN:
        history->has_run = true;
        history->run = *event;
        break;
    case SUPERVISOR_EVENT_EXEC_FAILED:
        history->has_exec_failed = true;
        history->exec_failed = *event;
        break;
    case SUPERVISOR_EVENT_STOP:
        history->has_stop = true;
        break;
    case SUPERVISOR_EVENT_EXIT:
        history->has_exit = true;
        history->exit = *event;
        break;
    case SUPERVISOR_EVENT_KILL:
    case SUPERVISOR_EVENT_UNKNOWN:
        break;
    }
}

/* Whether a whole launch begins at data, whatever its frame says. No true beginning of one reads as one: its last field
 * is the launch, which tells its own length. */
static bool holds_launch(const unsigned char *data, size_t size)
{
    for (size_t length = 1; length <= size; length++) {
        struct supervisor_event event;
        if (supervisor_event_decode(data, length, &event) && event.kind == SUPERVISOR_EVENT_LAUNCH)
            return true;
    }
    return false;
}

/* A first write that never became durable leaves a beginning of magic and frame and then nothing, or zeros alone: it
 * is shorter than a disk's sector. A whole launch behind a damaged length is no such beginning. */
static bool looks_cut_off(const unsigned char *data, size_t size)
{
    size_t zeros = 0;
    while (zeros < size && data[zeros] == 0)
        zeros++;
    if (zeros == size)
        return true;
    size_t magic = size < SUPERVISOR_MAGIC_BYTES ? size : SUPERVISOR_MAGIC_BYTES;
    if (memcmp(data, SUPERVISOR_MAGIC, magic) != 0)
        return false;
    size_t head = SUPERVISOR_MAGIC_BYTES + SUPERVISOR_FRAME_HEAD_BYTES;
    if (size < head)
        return true;
    uint32_t length = get_u32(data + SUPERVISOR_MAGIC_BYTES);
    return length <= SUPERVISOR_MESSAGE_BYTES && size - head < length && !holds_launch(data + head, size - head);
}

void supervisor_history_read(const void *data, size_t size, struct supervisor_history *ret_history)
{
    struct supervisor_history history;
    memset(&history, 0, sizeof history);
    const unsigned char *bytes = data;
    if (size >= SUPERVISOR_MAGIC_BYTES && memcmp(bytes, SUPERVISOR_MAGIC, SUPERVISOR_MAGIC_BYTES) == 0) {
        size_t at = SUPERVISOR_MAGIC_BYTES;
        for (;;) {
            struct supervisor_event event;
            memset(&event, 0, sizeof event);
            size_t frame = frame_decode(bytes + at, size - at, &event);
            if (frame == 0 || event.seq != history.last_seq + 1)
                break;
            history_add(&history, &event);
            history.last_seq = event.seq;
            at += frame;
            history.valid_bytes = at;
        }
    }
    history.unreadable = !history.has_launch && size > 0 && (history.last_seq > 0 || !looks_cut_off(bytes, size));
    *ret_history = history;
}
