/* peer_sqlite: SQLite with its log (WAL) and synchronous=FULL, as a peer of the store.
 *
 * usage: peer_sqlite connections DIR COUNT SECONDS    so many connections, each one row a transaction
 *        peer_sqlite writer      DIR COUNT SECONDS    one connection, so many rows a transaction
 * Prints one line of "key=value".
 */
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_job.h"
#include "measure.h"
#include "peer_threads.h"

#define BUSY_MS 60000
#define ID_FIRST UINT64_C(1000000000000000000)

struct connection {
    sqlite3 *database;
    sqlite3_stmt *begin, *insert, *commit;
    struct bench_job job;
};

struct peer {
    struct connection *connections;
    unsigned rows_per_write;
};

static void check(struct connection *connection, int code)
{
    if (code != SQLITE_OK && code != SQLITE_DONE) {
        measure_fail("SQLite: %s", sqlite3_errmsg(connection->database));
    }
}

static void run_sql(struct connection *connection, const char *sql)
{
    check(connection, sqlite3_exec(connection->database, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *prepare(struct connection *connection, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    check(connection, sqlite3_prepare_v2(connection->database, sql, -1, &statement, NULL));
    return statement;
}

static void open_connection(struct connection *connection, const char *path)
{
    check(connection, sqlite3_open(path, &connection->database));
    sqlite3_busy_timeout(connection->database, BUSY_MS);
    run_sql(connection, "PRAGMA journal_mode=WAL");
    run_sql(connection, "PRAGMA synchronous=FULL");
    run_sql(connection, "CREATE TABLE IF NOT EXISTS job (id INTEGER PRIMARY KEY, value BLOB)");
    connection->begin = prepare(connection, "BEGIN IMMEDIATE");
    connection->insert = prepare(connection, "INSERT INTO job VALUES (?, ?)");
    connection->commit = prepare(connection, "COMMIT");
    bench_job_init(&connection->job);
}

static void close_connection(struct connection *connection)
{
    sqlite3_finalize(connection->begin);
    sqlite3_finalize(connection->insert);
    sqlite3_finalize(connection->commit);
    sqlite3_close(connection->database);
}

static void step(struct connection *connection, sqlite3_stmt *statement)
{
    check(connection, sqlite3_step(statement));
    sqlite3_reset(statement);
}

static void write_rows(void *context, unsigned client, uint64_t number)
{
    struct peer *peer = context;
    struct connection *connection = &peer->connections[client];

    step(connection, connection->begin);
    for (unsigned i = 0; i < peer->rows_per_write; i++) {
        uint64_t row = number * peer->rows_per_write + i;

        bench_job_set(&connection->job, ID_FIRST + row, row);
        sqlite3_bind_int64(connection->insert, 1, (sqlite3_int64)row);
        sqlite3_bind_blob(connection->insert, 2, connection->job.bytes, BENCH_JOB_BYTES, SQLITE_STATIC);
        step(connection, connection->insert);
    }
    step(connection, connection->commit);
}

int main(int argc, char **argv)
{
    unsigned count = argc == 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    bool is_writer = argc == 5 && strcmp(argv[1], "writer") == 0;
    unsigned connections = is_writer ? 1 : count;
    struct peer peer = {.rows_per_write = is_writer ? count : 1};
    char path[4096];

    if (count == 0 || (!is_writer && strcmp(argv[1], "connections") != 0)) {
        fprintf(stderr, "usage: peer_sqlite connections|writer DIR COUNT SECONDS\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/peer.sqlite", argv[2]);
    peer.connections = calloc(connections, sizeof *peer.connections);
    for (unsigned i = 0; i < connections; i++) {
        open_connection(&peer.connections[i], path);
    }
    peer_threads_run(connections, strtod(argv[4], NULL), peer.rows_per_write, argv[2], write_rows, &peer);
    for (unsigned i = 0; i < connections; i++) {
        close_connection(&peer.connections[i]);
    }
    free(peer.connections);
    putchar('\n');
    return 0;
}
