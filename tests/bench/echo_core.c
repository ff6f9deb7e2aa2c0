/* echo_core: the barest unary server on C-core that is still correct, the floor for customjobd's Get.
 *
 * usage: echo_core ADDRESS ANSWER_FILE      Answers every method with the same bytes. Prints "ready PORT".
 * Shape     one completion queue, one thread, generic calls; receives the request, sends one batch.
 */
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARMED 64

enum step { STEP_NEW, STEP_RECEIVED, STEP_SENT };

struct exchange {
    enum step step;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    grpc_byte_buffer *request;
    int cancelled;
    struct exchange *next_free;
};

static grpc_server *server;
static grpc_completion_queue *queue;
static grpc_slice answer;
static struct exchange *free_list;

static void arm(void)
{
    struct exchange *exchange = free_list;

    if (exchange) {
        free_list = exchange->next_free;
    } else {
        exchange = malloc(sizeof *exchange);
    }
    memset(exchange, 0, sizeof *exchange);
    grpc_call_details_init(&exchange->details);
    grpc_metadata_array_init(&exchange->metadata);
    grpc_server_request_call(server, &exchange->call, &exchange->details, &exchange->metadata, queue, queue, exchange);
}

static void receive(struct exchange *exchange)
{
    grpc_op operation = {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &exchange->request};

    exchange->step = STEP_RECEIVED;
    grpc_call_start_batch(exchange->call, &operation, 1, exchange, NULL);
}

static void send_answer(struct exchange *exchange)
{
    grpc_op operations[4] = {0};
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&answer, 1);

    exchange->step = STEP_SENT;
    operations[0].op = GRPC_OP_SEND_INITIAL_METADATA;
    operations[1].op = GRPC_OP_SEND_MESSAGE;
    operations[1].data.send_message.send_message = message;
    operations[2].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    operations[2].data.send_status_from_server.status = GRPC_STATUS_OK;
    operations[3].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
    operations[3].data.recv_close_on_server.cancelled = &exchange->cancelled;
    grpc_call_start_batch(exchange->call, operations, 4, exchange, NULL);
    grpc_byte_buffer_destroy(message);
}

static void end(struct exchange *exchange)
{
    if (exchange->request) {
        grpc_byte_buffer_destroy(exchange->request);
    }
    grpc_call_details_destroy(&exchange->details);
    grpc_metadata_array_destroy(&exchange->metadata);
    grpc_call_unref(exchange->call);
    exchange->next_free = free_list;
    free_list = exchange;
}

static grpc_slice read_answer(const char *path)
{
    static char bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    size_t size;

    if (!file) {
        fprintf(stderr, "echo_core: cannot read %s\n", path);
        exit(2);
    }
    size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return grpc_slice_from_static_buffer(bytes, size);
}

int main(int argc, char **argv)
{
    int port;

    if (argc != 3) {
        fprintf(stderr, "usage: echo_core ADDRESS ANSWER_FILE\n");
        return 2;
    }
    grpc_init();
    answer = read_answer(argv[2]);
    queue = grpc_completion_queue_create_for_next(NULL);
    server = grpc_server_create(NULL, NULL);
    grpc_server_register_completion_queue(server, queue, NULL);
    port = grpc_server_add_http2_port(server, argv[1], grpc_insecure_server_credentials_create());
    grpc_server_start(server);
    printf("ready %d\n", port);
    fflush(stdout);
    for (int i = 0; i < ARMED; i++) {
        arm();
    }
    for (;;) {
        grpc_event event = grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        struct exchange *exchange = event.tag;

        if (exchange->step == STEP_NEW) {
            arm();
            receive(exchange);
        } else if (exchange->step == STEP_RECEIVED) {
            send_answer(exchange);
        } else {
            end(exchange);
        }
    }
}
