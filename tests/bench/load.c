/* load: keeps a fixed number of unary calls in flight against one method and counts the answers.
 *
 * usage: load ADDRESS METHOD REQUEST_FILE CONNECTIONS IN_FLIGHT SECONDS [ANSWER_FILE|- [CALLS]]
 * Shape     one thread, one completion queue: the same load for every server that is compared. Where the request holds
 *           the bytes "########", each call writes its own 8-digit number, so that no two requests are equal; where it
 *           holds "@" 19 times, the time of its sending, in ns since 1970.
 * Prints    one line: answers, failures, seconds, answers/s, p50 and p99 in µs; total counts the warm-up too.
 *           The last answer's bytes go to ANSWER_FILE, for a peer that answers with the same.
 * Errors    exit 1 when any call failed: a rate of errors is no rate.
 */
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SAMPLES_MAX (1 << 22)
#define IN_FLIGHT_MAX 4096
#define CALL_SECONDS_MAX 60
#define NUMBERS_MAX 1024
#define SENT_DIGITS 19

struct slot {
    grpc_channel *channel;
    grpc_call *call;
    grpc_metadata_array initial, trailing;
    grpc_byte_buffer *answer;
    grpc_status_code status;
    grpc_slice details;
    int64_t start_ns;
};

struct load {
    grpc_completion_queue *queue;
    grpc_slice method;
    char *request;
    size_t request_size;
    char *numbers[NUMBERS_MAX]; /* where the number goes */
    size_t number_count;
    char *sent; /* where the time of sending goes; NULL: nowhere */
    uint32_t next_number;
    uint64_t calls_max; /* exactly so many are made; 0: as many as there is time for */
    uint64_t call_count;
    uint32_t *samples_us;
    size_t sample_count;
    uint64_t failures;
    size_t warm_up_count;
    const char *answer_path; /* NULL: nobody asked for it */
};

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static char *read_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(1 << 22);

    if (!file || !bytes) {
        fprintf(stderr, "load: cannot read %s\n", path);
        exit(2);
    }
    *ret_size = fread(bytes, 1, 1 << 22, file);
    fclose(file);
    return bytes;
}

static void start_call(struct load *load, struct slot *slot)
{
    grpc_op operations[6] = {0};
    grpc_slice slice;
    grpc_byte_buffer *message;
    gpr_timespec deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(CALL_SECONDS_MAX, GPR_TIMESPAN));

    if (load->number_count > 0) {
        char digits[16];

        snprintf(digits, sizeof digits, "%08u", load->next_number++ % 100000000u);
        for (size_t i = 0; i < load->number_count; i++) {
            memcpy(load->numbers[i], digits, 8);
        }
    }
    if (load->sent) {
        struct timespec now;
        char digits[24];

        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(digits, sizeof digits, "%010lld%09ld", (long long)now.tv_sec, now.tv_nsec);
        memcpy(load->sent, digits, SENT_DIGITS);
    }
    slice = grpc_slice_from_copied_buffer(load->request, load->request_size);
    message = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    slot->call = grpc_channel_create_call(slot->channel, NULL, GRPC_PROPAGATE_DEFAULTS, load->queue, load->method, NULL,
                                          deadline, NULL);
    grpc_metadata_array_init(&slot->initial);
    grpc_metadata_array_init(&slot->trailing);
    slot->answer = NULL;
    operations[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    operations[1].op = GRPC_OP_SEND_MESSAGE;
    operations[1].data.send_message.send_message = message;
    operations[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    operations[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    operations[3].data.recv_initial_metadata.recv_initial_metadata = &slot->initial;
    operations[4].op = GRPC_OP_RECV_MESSAGE;
    operations[4].data.recv_message.recv_message = &slot->answer;
    operations[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    operations[5].data.recv_status_on_client.trailing_metadata = &slot->trailing;
    operations[5].data.recv_status_on_client.status = &slot->status;
    operations[5].data.recv_status_on_client.status_details = &slot->details;
    slot->start_ns = now_ns();
    load->call_count++;
    if (grpc_call_start_batch(slot->call, operations, 6, slot, NULL) != GRPC_CALL_OK) {
        fprintf(stderr, "load: a batch was refused\n");
        exit(1);
    }
    grpc_byte_buffer_destroy(message);
}

static void write_answer(const struct load *load, grpc_byte_buffer *answer)
{
    grpc_byte_buffer_reader reader;
    FILE *file = fopen(load->answer_path, "wb");
    grpc_slice slice;

    if (!file || !grpc_byte_buffer_reader_init(&reader, answer)) {
        fprintf(stderr, "load: cannot write %s\n", load->answer_path);
        exit(2);
    }
    slice = grpc_byte_buffer_reader_readall(&reader);
    fwrite(GRPC_SLICE_START_PTR(slice), 1, GRPC_SLICE_LENGTH(slice), file);
    fclose(file);
    grpc_slice_unref(slice);
    grpc_byte_buffer_reader_destroy(&reader);
}

static void end_call(struct load *load, struct slot *slot)
{
    if (slot->status == GRPC_STATUS_OK) {
        if (load->sample_count < SAMPLES_MAX) {
            load->samples_us[load->sample_count] = (uint32_t)((now_ns() - slot->start_ns) / 1000);
        }
        load->sample_count++;
    } else if (load->failures++ == 0) {
        char *text = grpc_slice_to_c_string(slot->details);

        fprintf(stderr, "load: the first failure: status %d: %s\n", (int)slot->status, text);
        gpr_free(text);
    }
    grpc_slice_unref(slot->details);
    grpc_metadata_array_destroy(&slot->initial);
    grpc_metadata_array_destroy(&slot->trailing);
    if (slot->answer) {
        if (load->answer_path) {
            write_answer(load, slot->answer);
        }
        grpc_byte_buffer_destroy(slot->answer);
    }
    grpc_call_unref(slot->call);
}

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return a < b ? -1 : a > b;
}

static void report(struct load *load, double seconds)
{
    size_t kept = load->sample_count < SAMPLES_MAX ? load->sample_count : SAMPLES_MAX;

    qsort(load->samples_us, kept, sizeof *load->samples_us, compare);
    printf("answers=%zu failures=%llu seconds=%.3f rate=%.1f p50_us=%u p99_us=%u total=%zu\n", load->sample_count,
           (unsigned long long)load->failures, seconds, (double)load->sample_count / seconds,
           kept ? load->samples_us[kept / 2] : 0, kept ? load->samples_us[kept * 99 / 100] : 0,
           load->sample_count + load->warm_up_count);
}

static grpc_channel *open_channel(const char *address, int number)
{
    grpc_arg own = {.type = GRPC_ARG_INTEGER, .key = (char *)"grpc.load_connection", .value.integer = number};
    grpc_channel_args arguments = {1, &own}; /* different arguments: no connection is shared */
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    grpc_channel *channel = grpc_channel_create(address, credentials, &arguments);

    grpc_channel_credentials_release(credentials);
    return channel;
}

static bool is_enough(const struct load *load)
{
    return load->calls_max > 0 && load->call_count >= load->calls_max;
}

/* What is measured from its sending on should find a connection. */
static void await_connection(struct load *load, grpc_channel *channel)
{
    gpr_timespec deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(CALL_SECONDS_MAX, GPR_TIMESPAN));
    grpc_connectivity_state state;

    while ((state = grpc_channel_check_connectivity_state(channel, 1)) != GRPC_CHANNEL_READY) {
        grpc_channel_watch_connectivity_state(channel, state, deadline, load->queue, NULL);
        if (!grpc_completion_queue_next(load->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).success) {
            fprintf(stderr, "load: no connection\n");
            exit(1);
        }
    }
}

static void find_numbers(struct load *load)
{
    char *at = load->request;
    char *end = load->request + load->request_size;

    while (load->number_count < NUMBERS_MAX && (at = memmem(at, (size_t)(end - at), "########", 8))) {
        load->numbers[load->number_count++] = at;
        at += 8;
    }
    load->sent = memmem(load->request, load->request_size, "@@@@@@@@@@@@@@@@@@@", SENT_DIGITS);
}

/* Keeps every slot busy for so long, then waits for the last answers; returns the seconds taken. */
static double drive(struct load *load, struct slot *slots, size_t in_flight, double seconds)
{
    int64_t start = now_ns();
    int64_t end = start + (int64_t)(seconds * 1e9);
    size_t running = 0;

    while (running < in_flight && !is_enough(load)) {
        start_call(load, &slots[running++]);
    }
    while (running > 0) {
        grpc_event event = grpc_completion_queue_next(load->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        struct slot *slot = event.tag;

        end_call(load, slot);
        if (now_ns() < end && load->failures == 0 && !is_enough(load)) {
            start_call(load, slot);
        } else {
            running--;
        }
    }
    return (double)(now_ns() - start) / 1e9;
}

int main(int argc, char **argv)
{
    struct load load = {0};
    grpc_channel *channels[64];
    struct slot *slots;
    size_t connections, in_flight;
    double seconds;

    if (argc < 7 || argc > 9) {
        fprintf(stderr,
                "usage: load ADDRESS METHOD REQUEST_FILE CONNECTIONS IN_FLIGHT SECONDS [ANSWER_FILE|- [CALLS]]\n");
        return 2;
    }
    connections = strtoul(argv[4], NULL, 10);
    in_flight = strtoul(argv[5], NULL, 10);
    if (connections < 1 || connections > 64 || in_flight < 1 || in_flight > IN_FLIGHT_MAX) {
        fprintf(stderr, "load: 1 to 64 connections, 1 to %d in flight\n", IN_FLIGHT_MAX);
        return 2;
    }
    load.answer_path = argc > 7 && strcmp(argv[7], "-") != 0 ? argv[7] : NULL;
    load.request = read_file(argv[3], &load.request_size);
    find_numbers(&load);
    load.calls_max = argc > 8 ? strtoull(argv[8], NULL, 10) : 0;
    load.samples_us = malloc(SAMPLES_MAX * sizeof *load.samples_us);
    slots = calloc(in_flight, sizeof *slots);
    grpc_init();
    load.queue = grpc_completion_queue_create_for_next(NULL);
    load.method = grpc_slice_from_static_string(argv[2]);
    for (size_t i = 0; i < connections; i++) {
        channels[i] = open_channel(argv[1], (int)i);
    }
    for (size_t i = 0; i < in_flight; i++) {
        slots[i].channel = channels[i % connections];
    }
    if (load.calls_max > 0) {
        for (size_t i = 0; i < connections; i++) {
            await_connection(&load, channels[i]);
        }
    } else {
        drive(&load, slots, in_flight, 0.3); /* connects and warms up */
    }
    load.warm_up_count = load.sample_count;
    load.sample_count = 0;
    seconds = drive(&load, slots, in_flight, strtod(argv[6], NULL));
    report(&load, seconds);
    return load.failures ? 1 : 0;
}
