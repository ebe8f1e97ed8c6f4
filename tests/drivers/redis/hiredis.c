// hiredis by itself: binary arguments, its pipeline, MULTI, WATCH, scripts, blocking, SUBSCRIBE.
//
//     hiredis URL FOLDER FIRST COUNT        a process for each copy
#include <hiredis/hiredis.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE* transcript;
static redisContext* one;
static char host[64];
static int port;
static char name[64];

static void fail(const char* what, const char* why) {
    fprintf(transcript, "{\"step\": \"failed\", \"why\": \"%s: %s\"}\n", what, why);
    fclose(transcript);
    fprintf(stderr, "%s %s: %s\n", name, what, why);
    _exit(1);
}

static redisContext* join(void) {
    redisContext* joined = redisConnect(host, port);
    if (joined == NULL || joined->err) fail("connect", joined ? joined->errstr : "no memory");
    return joined;
}

static void say_text(const char* text, size_t length) {
    fputc('"', transcript);
    for (size_t at = 0; at < length; at++) {
        unsigned char letter = (unsigned char)text[at];
        if (letter == '"' || letter == '\\') fputc('\\', transcript);
        if (letter < ' ' || letter > '~') {
            fprintf(transcript, "\\u%04x", letter);
        } else {
            fputc(letter, transcript);
        }
    }
    fputc('"', transcript);
}

static void say_reply(const redisReply* reply) {
    switch (reply->type) {
        case REDIS_REPLY_INTEGER: fprintf(transcript, "%lld", reply->integer); return;
        case REDIS_REPLY_NIL: fprintf(transcript, "null"); return;
        case REDIS_REPLY_ARRAY:
            fputc('[', transcript);
            for (size_t at = 0; at < reply->elements; at++) {
                if (at) fputc(',', transcript);
                say_reply(reply->element[at]);
            }
            fputc(']', transcript);
            return;
        case REDIS_REPLY_ERROR: fprintf(transcript, "{\"error\": "); break;
        case REDIS_REPLY_STATUS: fprintf(transcript, "{\"status\": "); break;
        default: fprintf(transcript, "{\"type\": %d, \"text\": ", reply->type); break;
    }
    say_text(reply->str, (size_t)reply->len);
    fputc('}', transcript);
}

static void say(const char* step, redisReply* reply) {
    fprintf(transcript, "{\"step\": \"%s\", \"reply\": ", step);
    say_reply(reply);
    fprintf(transcript, "}\n");
    freeReplyObject(reply);
}

/// One command, and what came of it.
static void ask(const char* step, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    redisReply* reply = redisvCommand(one, format, arguments);
    va_end(arguments);
    if (reply == NULL) fail(format, one->errstr);
    say(step, reply);
}

static redisReply* next_reply(redisContext* from) {
    void* reply = NULL;
    if (redisGetReply(from, &reply) != REDIS_OK) fail("reply", from->errstr);
    return reply;
}

static void types(void) {
    const char bytes[] = {0, '\r', '\n', '$', (char)0xff};
    ask("types", "SET %s:bytes %b", name, bytes, sizeof bytes);
    ask("types", "GET %s:bytes", name);
    ask("types", "GET %s:nothing", name);
    ask("types", "HSET %s:hash one %d two %s", name, 1, "zwei und drei");
    ask("types", "HGETALL %s:hash", name);
    ask("types", "ZADD %s:scores 1.5 a -inf b", name);
    ask("types", "ZRANGE %s:scores 0 -1 WITHSCORES", name);
    ask("types", "INCRBY %s:big 9223372036854775807", name);
    ask("types", "INCR %s:big", name);
    ask("types", "SELECT 3");
    ask("types", "EXISTS %s:bytes", name);
    ask("types", "SELECT 0");
    ask("types", "CLIENT SETNAME %s", name);
    ask("types", "CLIENT GETNAME");
    const size_t length = 3U * 1024U * 1024U;
    char* large = malloc(length);
    memset(large, 'x', length);
    ask("large", "SET %s:large %b", name, large, length);
    redisReply* reply = redisCommand(one, "GET %s:large", name);
    if (reply == NULL) fail("GET", one->errstr);
    const int same = reply->type == REDIS_REPLY_STRING && (size_t)reply->len == length &&
                     memcmp(reply->str, large, length) == 0;
    fprintf(transcript, "{\"step\": \"large\", \"same\": %d}\n", same);
    freeReplyObject(reply);
    free(large);
}

/// A pipeline without looking: 2,000 commands before the first reply is read.
static void pipeline(void) {
    long long sum = 0;
    for (int n = 0; n < 1000; n++) {
        redisAppendCommand(one, "RPUSH %s:list %d", name, n);
        redisAppendCommand(one, "LINDEX %s:list %d", name, n);
    }
    redisAppendCommand(one, "LPOP %s:hash", name);
    for (int n = 0; n < 1000; n++) {
        redisReply* pushed = next_reply(one);
        redisReply* found = next_reply(one);
        if (pushed->integer != n + 1 || found->type != REDIS_REPLY_STRING || atoi(found->str) != n) {
            fail("pipeline", "the replies of another command");
        }
        sum += pushed->integer;
        freeReplyObject(pushed);
        freeReplyObject(found);
    }
    fprintf(transcript, "{\"step\": \"pipeline\", \"sum\": %lld}\n", sum);
    say("pipeline", next_reply(one));
}

static void transactions(void) {
    ask("transactions", "MULTI");
    ask("transactions", "INCR %s:n", name);
    ask("transactions", "LPOP %s:hash", name);
    ask("transactions", "EXEC");
    ask("transactions", "MULTI");
    ask("transactions", "GET");
    ask("transactions", "INCR %s:n", name);
    ask("transactions", "EXEC");
    ask("transactions", "MULTI");
    ask("transactions", "INCR %s:n", name);
    ask("transactions", "DISCARD");
    redisContext* other = join();
    for (int disturbed = 1; disturbed >= 0; disturbed--) {
        ask("watch", "WATCH %s:n", name);
        if (disturbed) freeReplyObject(redisCommand(other, "INCRBY %s:n 10", name));
        ask("watch", "MULTI");
        ask("watch", "INCR %s:n", name);
        ask("watch", "EXEC");
    }
    redisFree(other);
    ask("watch", "WATCH %s:n", name);
    ask("watch", "UNWATCH");
    ask("watch", "GET %s:n", name);
}

static void errors_and_scripts(void) {
    ask("errors", "LPUSH %s:n 1", name);
    ask("errors", "NOSUCH a b");
    ask("errors", "GET");
    ask("errors", "SET %s:n 1 EX x", name);
    ask("errors", "PING");
    ask("scripts", "EVAL %s 1 %s:n %s", "return {redis.call('get', KEYS[1]), ARGV[1], {1, {false}}}", name, "word");
    ask("scripts", "EVAL %s 1 %s:n", "return redis.call('lpop', KEYS[1])", name);
    ask("scripts", "EVALSHA %s 0", "0000000000000000000000000000000000000000");
    ask("scripts", "SCRIPT LOAD %s", "return 7");
    ask("scripts", "EVALSHA %s 0", "59b6ab2fbe0ee4b25733de0f62e6cda4899ef8e9");
}

static void blocking(void) {
    ask("blocking", "RPUSH %s:queue a b", name);
    ask("blocking", "BLPOP %s:none %s:queue 300", name, name);
    ask("blocking", "BLMOVE %s:queue %s:moved LEFT LEFT 300", name, name);
    ask("blocking", "BRPOP %s:none 0.01", name);
    ask("streams", "XGROUP CREATE %s:stream group $ MKSTREAM", name);
    ask("streams", "XADD %s:stream 1-1 n 1", name);
    ask("streams", "XADD %s:stream 2-1 n 2", name);
    ask("streams", "XREADGROUP GROUP group me COUNT 1 BLOCK 300000 STREAMS %s:stream >", name);
    ask("streams", "XREADGROUP GROUP group me STREAMS %s:stream >", name);
    ask("streams", "XACK %s:stream group 1-1", name);
    ask("streams", "XREAD BLOCK 10 STREAMS %s:stream $", name);
}

static void subscriptions(void) {
    redisContext* hears = join();
    redisAppendCommand(hears, "SUBSCRIBE %s:a %s:b", name, name);
    redisAppendCommand(hears, "PSUBSCRIBE %s:*", name);
    for (int n = 0; n < 3; n++) say("subscriptions", next_reply(hears));
    ask("subscriptions", "PUBLISH %s:a one", name);
    ask("subscriptions", "PUBLISH %s:c two", name);
    for (int n = 0; n < 3; n++) say("subscriptions", next_reply(hears));
    redisAppendCommand(hears, "GET %s:n", name);
    redisAppendCommand(hears, "PING there");
    redisAppendCommand(hears, "PUNSUBSCRIBE");
    redisAppendCommand(hears, "UNSUBSCRIBE %s:a %s:b", name, name);
    for (int n = 0; n < 5; n++) say("subscriptions", next_reply(hears));
    redisAppendCommand(hears, "PING");
    say("subscriptions", next_reply(hears));
    redisFree(hears);
}

static int play(const char* folder, int copy) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%d.jsonl", folder, copy);
    snprintf(name, sizeof name, "hiredis_c%d", copy);
    transcript = fopen(path, "w");
    if (transcript == NULL) return 1;
    one = join();
    types();
    pipeline();
    transactions();
    errors_and_scripts();
    blocking();
    subscriptions();
    redisFree(one);
    fprintf(transcript, "{\"step\": \"end\"}\n");
    return fclose(transcript);
}

int main(int count, char** arguments) {
    if (count == 2 && strcmp(arguments[1], "--version") == 0) {
        printf("%d.%d.%d\n", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
        return 0;
    }
    if (count != 5 || sscanf(arguments[1], "redis://%63[^:]:%d", host, &port) != 2) return 2;
    const int first = atoi(arguments[3]);
    const int copies = atoi(arguments[4]);
    for (int copy = first; copy < first + copies; copy++) {
        if (fork() == 0) _exit(play(arguments[2], copy));
    }
    int worst = 0;
    for (int copy = 0; copy < copies; copy++) {
        int status = 0;
        wait(&status);
        if (status != 0) worst = 1;
    }
    return worst;
}
