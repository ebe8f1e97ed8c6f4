// libpq by itself: PQexecParams, PQprepare, pipeline mode, COPY, NOTIFY, PQcancel.
//
//     libpq URL FOLDER FIRST COUNT        a process for each copy
#include <libpq-fe.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE* transcript;
static PGconn* connection;
static char schema[64];

static void fail(const char* what) {
    fprintf(transcript, "{\"step\": \"failed\", \"why\": \"%s\"}\n", what);
    fclose(transcript);
    fprintf(stderr, "%s: %s\n", what, PQerrorMessage(connection));
    _exit(1);
}

static void say_text(const char* text, int length) {
    fputc('"', transcript);
    for (int at = 0; at < length; at++) {
        unsigned char letter = (unsigned char)text[at];
        if (letter == '"' || letter == '\\') fputc('\\', transcript);
        if (letter < ' ') {
            fprintf(transcript, "\\u%04x", letter);
        } else {
            fputc(letter, transcript);
        }
    }
    fputc('"', transcript);
}

/// Everything a result says: its status, its error's code and text, its columns, tag and values.
static void say_result(const char* step, const PGresult* result) {
    const char* code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    fprintf(transcript,
            "{\"step\": \"%s\", \"status\": \"%s\", \"tag\": \"%s\", \"code\": \"%s\", \"error\": ",
            step, PQresStatus(PQresultStatus(result)), PQcmdStatus((PGresult*)result),
            code ? code : "");
    message = message ? message : "";
    say_text(message, (int)strlen(message));
    fprintf(transcript, ", \"types\": [");
    for (int column = 0; column < PQnfields(result); column++) {
        fprintf(transcript, "%s%u", column ? ", " : "", PQftype(result, column));
    }
    fprintf(transcript, "], \"rows\": [");
    for (int row = 0; row < PQntuples(result); row++) {
        fprintf(transcript, row ? ", [" : "[");
        for (int column = 0; column < PQnfields(result); column++) {
            if (column) fprintf(transcript, ", ");
            if (PQgetisnull(result, row, column)) {
                fprintf(transcript, "null");
            } else {
                say_text(PQgetvalue(result, row, column), PQgetlength(result, row, column));
            }
        }
        fprintf(transcript, "]");
    }
    fprintf(transcript, "]}\n");
}

static void seen(const char* step, PGresult* result) {
    if (!result) fail("no result");
    say_result(step, result);
    PQclear(result);
}

static void query(const char* step, const char* text) {
    char filled[1024];
    snprintf(filled, sizeof filled, text, schema, schema);
    seen(step, PQexec(connection, filled));
}

static void types_and_statements(void) {
    const char* text = "O'Hara \"quoted\" \\ back $1 ünïcödé 漢字 🐘";
    const char* values[] = {
        "9007199254740993",           text,         "\\x00ff275c", "12345678901234567890.123456789",
        "2024-02-29 12:34:56.789+00", "{1,NULL,3}", NULL,          "{\"k\": [1, {\"ü\": null}]}"};
    const char* all =
        "SELECT $1::int8, $2::text, $3::bytea, $4::numeric, $5::timestamptz, $6::int[], $7::text, "
        "$8::jsonb";
    seen("types", PQexecParams(connection, all, 8, NULL, values, NULL, NULL, 0));
    seen("types", PQexecParams(connection, "SELECT $1::int4, $2::text", 2, NULL,
                               (const char* const[]){"\0\0\1\2", text}, (const int[]){4, 0},
                               (const int[]){1, 0}, 0));
    seen("prepared", PQprepare(connection, "twice", "SELECT $1::int * 2, $2 || '!'", 0, NULL));
    seen("prepared", PQprepare(connection, "twice", "SELECT 1", 0, NULL));
    seen("prepared", PQdescribePrepared(connection, "twice"));
    for (int turn = 0; turn < 20; turn++) {
        char number[16];
        snprintf(number, sizeof number, "%d", turn);
        seen("prepared", PQexecPrepared(connection, "twice", 2,
                                        (const char* const[]){number, schema}, NULL, NULL, 0));
    }
    seen("prepared", PQprepare(connection, "bad", "SELEKT $1", 0, NULL));
    seen("prepared", PQexecPrepared(connection, "bad", 0, NULL, NULL, NULL, 0));
    query("prepared", "EXECUTE twice (21, 'by SQL')");
    query("prepared", "DEALLOCATE twice");
    seen("prepared", PQexecPrepared(connection, "twice", 0, NULL, NULL, NULL, 0));
    query("prepared", "PREPARE by_sql AS SELECT $1::int + 1");
    seen("prepared",
         PQexecPrepared(connection, "by_sql", 1, (const char* const[]){"1"}, NULL, NULL, 0));
    query("prepared", "DEALLOCATE ALL");
}

static void transactions_and_errors(void) {
    const char* const statements[] = {
        "BEGIN",
        "INSERT INTO items SELECT n, 'kept' FROM generate_series(1, 5) n",
        "COMMIT",
        "BEGIN",
        "DELETE FROM items",
        "ROLLBACK",
        "SELECT * FROM items ORDER BY id",
        "BEGIN",
        "SAVEPOINT one",
        "INSERT INTO items VALUES (1, 'again')",
        "SELECT 1",
        "ROLLBACK TO one",
        "INSERT INTO items VALUES (6, 'kept')",
        "COMMIT",
        "COMMIT",
        "SELECT count(*) FROM items",
        "SELEKT 1",
        "SELECT 1; SELECT 1 / 0; SELECT 3",
        ""};
    for (size_t at = 0; at < sizeof statements / sizeof *statements; at++) {
        query("transactions", statements[at]);
        fprintf(transcript, "{\"step\": \"transactions\", \"in\": %d}\n",
                PQtransactionStatus(connection));
    }
}

static void settings(void) {
    const char* const statements[] = {"SET search_path TO %s, public",
                                      "SELECT set_config('application_name', 'renamed_%s', false)",
                                      "BEGIN",
                                      "SET statement_timeout TO '345s'",
                                      "SHOW statement_timeout",
                                      "ROLLBACK",
                                      "SHOW statement_timeout",
                                      "SET DateStyle TO 'German'",
                                      "SELECT date '2024-02-29'",
                                      "SELECT schema FROM who",
                                      "SHOW search_path"};
    for (size_t at = 0; at < sizeof statements / sizeof *statements; at++)
        query("settings", statements[at]);
    fprintf(transcript, "{\"step\": \"settings\", \"status\": [\"%s\", \"%s\"]}\n",
            PQparameterStatus(connection, "application_name"),
            PQparameterStatus(connection, "DateStyle"));
    query("reset", "RESET application_name");
    fprintf(transcript, "{\"step\": \"reset\", \"status\": \"%s\"}\n",
            PQparameterStatus(connection, "application_name"));
}

static PGresult* next_result(void) {
    return PQgetResult(connection);
}

static void send_number(const char* statement, const char* number) {
    if (!PQsendQueryPrepared(connection, statement, 1, (const char* const[]){number}, NULL, NULL,
                             0))
        fail("send");
}

/// Takes results up to the given number of Syncs; NULL ends each statement's.
static void take_until_syncs(int syncs) {
    while (syncs > 0) {
        PGresult* result = next_result();
        if (!result) continue;
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) syncs--;
        seen("pipeline", result);
    }
}

static void pipelines(void) {
    if (!PQenterPipelineMode(connection)) fail("pipeline mode");
    PQsendPrepare(connection, "piped", "SELECT 10 / $1::int", 0, NULL);
    for (int turn = 0; turn < 10; turn++)
        send_number("piped", "5");
    PQsendFlushRequest(connection);
    PQflush(connection);
    seen("pipeline", next_result());
    if (next_result()) fail("more than one result");
    seen("pipeline", next_result());
    PQpipelineSync(connection);
    take_until_syncs(1);

    // An error skips what follows up to the Sync, and the next batch goes on.
    send_number("piped", "1");
    send_number("piped", "0");
    send_number("piped", "2");
    PQpipelineSync(connection);
    send_number("piped", "2");
    PQpipelineSync(connection);
    PQsendQueryParams(connection, "SELEKT", 0, NULL, NULL, NULL, NULL, 0);
    PQpipelineSync(connection);
    PQsendQueryParams(connection, "BEGIN", 0, NULL, NULL, NULL, NULL, 0);
    PQsendQueryParams(connection, "INSERT INTO items VALUES (1000, 'undone')", 0, NULL, NULL, NULL,
                      NULL, 0);
    PQpipelineSync(connection);
    PQsendQueryParams(connection, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 0);
    PQsendDescribePrepared(connection, "piped");
    PQpipelineSync(connection);
    take_until_syncs(5);
    if (!PQexitPipelineMode(connection)) fail("end of pipeline mode");
    query("pipeline", "SELECT count(*) FROM items");
}

static void copies(void) {
    query("copy", "COPY items FROM STDIN");
    for (int row = 2000; row < 4000; row++) {
        char line[64];
        PQputCopyData(connection, line, snprintf(line, sizeof line, "%d\tcopied %d\n", row, row));
    }
    PQputCopyEnd(connection, NULL);
    seen("copy", next_result());
    if (next_result()) fail("more than one result");
    query("copy", "COPY items FROM STDIN");
    PQputCopyData(connection, "5000\tgiven up\n", 14);
    PQputCopyEnd(connection, "changed my mind");
    seen("copy", next_result());
    if (next_result()) fail("more than one result");
    query("copy", "COPY (SELECT * FROM items ORDER BY id) TO STDOUT");
    char* line = NULL;
    long count = 0, bytes = 0;
    for (int length; (length = PQgetCopyData(connection, &line, 0)) > 0; count++) {
        bytes += length;
        PQfreemem(line);
    }
    fprintf(transcript, "{\"step\": \"copy\", \"count\": %ld, \"bytes\": %ld}\n", count, bytes);
    seen("copy", next_result());
    if (next_result()) fail("more than one result");
}

static void cursors(void) {
    query("cursor", "BEGIN");
    query(
        "cursor",
        "DECLARE portal SCROLL CURSOR FOR SELECT n, md5(n::text) FROM generate_series(1, 5000) n");
    query("cursor", "FETCH 700 FROM portal");
    query("cursor", "FETCH ABSOLUTE 4000 FROM portal");
    query("cursor", "COMMIT");
    PQsendQuery(connection, "SELECT n FROM generate_series(1, 5000) n");
    PQsetSingleRowMode(connection);
    long count = 0, sum = 0;
    for (PGresult* result; (result = next_result()); PQclear(result)) {
        if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
            count++;
            sum += strtol(PQgetvalue(result, 0, 0), NULL, 10);
        }
    }
    fprintf(transcript, "{\"step\": \"stream\", \"count\": %ld, \"sum\": %ld}\n", count, sum);
}

static void notify(void) {
    query("notify", "LISTEN %s");
    query("notify", "BEGIN; NOTIFY %s, 'undone'; ROLLBACK");
    query("notify", "NOTIFY %s, 'first'");
    query("notify", "BEGIN; NOTIFY %s, 'second'; COMMIT");
    for (int count = 0; count < 2;) {
        PGnotify* one = PQnotifies(connection);
        if (one) {
            fprintf(transcript,
                    "{\"step\": \"notify\", \"channel\": \"%s\", \"payload\": \"%s\"}\n",
                    one->relname, one->extra);
            fprintf(transcript, "{\"step\": \"sender\", \"own\": %d}\n",
                    one->be_pid == PQbackendPID(connection));
            PQfreemem(one);
            count++;
            continue;
        }
        struct pollfd waiting = {.fd = PQsocket(connection), .events = POLLIN};
        if (poll(&waiting, 1, -1) < 0 || !PQconsumeInput(connection))
            fail("waiting for a notification");
    }
    query("notify", "UNLISTEN *");
}

static void cancel_when_it_waits(void* unused, const PGresult* notice) {
    (void)unused;
    (void)notice;
    char error[256];
    PGcancel* cancel = PQgetCancel(connection);
    if (!PQcancel(cancel, error, sizeof error)) fail(error);
    PQfreeCancel(cancel);
}

static void cancels(void) {
    query("temporary", "CREATE TEMP TABLE scratch AS SELECT generate_series(1, 10) AS n");
    query("temporary", "SELECT sum(n) FROM scratch");
    query("temporary", "DROP TABLE scratch");
    query("cancel", "SET statement_timeout TO '50ms'");
    query("cancel", "SELECT pg_sleep(600)");
    query("cancel", "SET statement_timeout TO '234s'");
    PQsetNoticeReceiver(connection, cancel_when_it_waits, NULL);
    query("cancel", "SELECT public.announced_wait()");
    query("cancel", "SELECT 'goes on', schema FROM who");
}

static int work(const char* url, const char* folder, int copy) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%d.jsonl", folder, copy);
    transcript = fopen(path, "w");
    if (!transcript) return 1;
    snprintf(schema, sizeof schema, "libpq_c%d", copy);
    const char* const keywords[] = {"dbname", "application_name", "options", NULL};
    const char* const values[] = {url, schema, "-c statement_timeout=234s -c DateStyle=ISO,DMY",
                                  NULL};
    connection = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(connection) != CONNECTION_OK) fail("connecting");
    query("startup",
          "SELECT current_setting('application_name'), current_setting('statement_timeout'), "
          "current_setting('DateStyle')");
    query("startup", "CREATE SCHEMA %s");
    query("startup", "SET search_path TO %s");
    query("startup",
          "CREATE TABLE items (id int PRIMARY KEY, word text); CREATE TABLE who AS SELECT "
          "'%s'::text AS schema");
    types_and_statements();
    transactions_and_errors();
    settings();
    pipelines();
    copies();
    cursors();
    notify();
    cancels();
    PQfinish(connection);
    fprintf(transcript, "{\"step\": \"end\"}\n");
    return fclose(transcript) ? 1 : 0;
}

int main(int count, char** arguments) {
    if (count == 2 && strcmp(arguments[1], "--version") == 0) {
        printf("%d.%d\n", PQlibVersion() / 10000, PQlibVersion() % 10000);
        return 0;
    }
    if (count != 5) return 2;
    int first = (int)strtol(arguments[3], NULL, 10),
        copies_wanted = (int)strtol(arguments[4], NULL, 10);
    for (int copy = first; copy < first + copies_wanted; copy++) {
        pid_t child = fork();
        if (child < 0) return 1;
        if (child == 0) _exit(work(arguments[1], arguments[2], copy));
    }
    int status = 0, worst = 0;
    while (wait(&status) > 0)
        worst |= status;
    return worst ? 1 : 0;
}
