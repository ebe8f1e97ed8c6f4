// pgx 5: statements named and cached by itself, binary, batches, COPY, LISTEN.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	t "sluice/tests/drivers/go/transcript"
)

var ctx = context.Background()

// Fails tells what PostgreSQL says.
func fails(err error) any {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return []any{said.Code, said.Message, said.ConstraintName, said.Position}
	}
	if err != nil {
		return err.Error()
	}
	return "no error"
}

func do(conn *pgx.Conn, sql string, parameters ...any) error {
	_, err := conn.Exec(ctx, sql, parameters...)
	return err
}

func rows(conn *pgx.Conn, sql string, parameters ...any) [][]any {
	result, err := conn.Query(ctx, sql, parameters...)
	t.Must(err)
	all, err := pgx.CollectRows(result, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	t.Must(err)
	return all
}

func show(conn *pgx.Conn) t.Seen {
	seen := t.Seen{}
	for _, name := range []string{"search_path", "statement_timeout", "application_name", "DateStyle"} {
		seen[name] = rows(conn, "SHOW " + name)[0][0]
	}
	return seen
}

func types(conn *pgx.Conn, say *t.Transcript) {
	moment, err := time.Parse(time.RFC3339Nano, t.Moment)
	t.Must(err)
	sql := "SELECT $1::int8, $2::text, $3::bytea, $4::numeric::text, $5::timestamptz, $6::int[], $7::text[], $8::text, $9::jsonb"
	parameters := []any{t.Big, t.Text, t.Bytes, t.Numeric, moment, []*int{nil}, []string{"a,b", "c\"d", "ü"}, nil, t.JSON}
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe,
		pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		row := rows(conn, sql, append([]any{mode}, parameters...)...)[0]
		row[4] = row[4].(time.Time).UTC()
		say.Say("types", t.Seen{"mode": mode.String(), "row": row})
	}
}

func prepared(conn *pgx.Conn, schema string, say *t.Transcript) {
	_, err := conn.Prepare(ctx, "twice", "SELECT $1::int * 2, $2 || '!'")
	t.Must(err)
	seen := [][]any{}
	for n := 0; n < 20; n++ {
		seen = append(seen, rows(conn, "twice", n, fmt.Sprintf("%s %d", schema, n))...)
		t.Must(do(conn, "INSERT INTO items VALUES ($1, $2)", n+50, fmt.Sprintf("%s %d", schema, n)))
	}
	t.Must(conn.Deallocate(ctx, "twice"))
	// More than the 512 of its cache: the oldest are closed.
	sum := int32(0)
	for n := 0; n < 530; n++ {
		sum += rows(conn, fmt.Sprintf("SELECT $1::int + %d", n), 1)[0][0].(int32)
	}
	count := rows(conn, "SELECT count(*) FROM items WHERE id > $1", 60)
	t.Must(do(conn, "DELETE FROM items"))
	say.Say("prepared", t.Seen{"rows": seen, "sum": sum, "count": count, "gone": fails(do(conn, "EXECUTE twice (1, 'x')"))})
	before := rows(conn, "SELECT * FROM who")
	t.Must(do(conn, "ALTER TABLE who ADD COLUMN more int"))
	t.Must(conn.DeallocateAll(ctx))
	say.Say("prepared", t.Seen{"before": before, "after": rows(conn, "SELECT * FROM who")})
}

func transactions(conn *pgx.Conn, say *t.Transcript) {
	t.Must(pgx.BeginFunc(ctx, conn, func(pgx.Tx) error {
		return do(conn, "INSERT INTO items SELECT n, 'kept ' || n FROM generate_series(1, 5) n")
	}))
	one, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	t.Must(err)
	t.Must(do(conn, "DELETE FROM items"))
	say.Say("transactions", t.Seen{"inside": rows(conn, "SELECT count(*) FROM items")})
	t.Must(one.Rollback(ctx))
	say.Say("transactions", t.Seen{"after": rows(conn, "SELECT * FROM items ORDER BY id")})
	outer, err := conn.Begin(ctx)
	t.Must(err)
	inner, err := outer.Begin(ctx)
	t.Must(err)
	failed := fails(do(conn, "INSERT INTO items VALUES ($1, 'again')", 1))
	aborted := fails(do(conn, "SELECT 1"))
	t.Must(inner.Rollback(ctx))
	t.Must(do(conn, "INSERT INTO items VALUES (6, $1)", t.Text))
	t.Must(outer.Commit(ctx))
	say.Say("savepoint", t.Seen{"failed": failed, "aborted": aborted, "count": rows(conn, "SELECT count(*) FROM items")})
	say.Say("errors", t.Seen{"unique": fails(do(conn, "INSERT INTO items VALUES ($1, 'x')", 1)),
		"syntax": fails(do(conn, "SELEKT $1", 1)), "zero": fails(do(conn, "SELECT 1 / $1::int", 0)),
		"again": fails(do(conn, "SELECT 1 / $1::int", 0)), "on": rows(conn, "SELECT 'goes on'")})
}

func settings(conn *pgx.Conn, schema string, say *t.Transcript) {
	t.Must(do(conn, "SET search_path TO "+schema+", public"))
	t.Must(do(conn, "SELECT set_config('application_name', $1, false)", "renamed_"+schema))
	say.Say("settings", t.Seen{"outside": show(conn), "status": conn.PgConn().ParameterStatus("application_name")})
	one, err := conn.Begin(ctx)
	t.Must(err)
	t.Must(do(conn, "SET statement_timeout TO '345s'"))
	t.Must(do(conn, "SET LOCAL DateStyle TO 'SQL, DMY'"))
	say.Say("settings", t.Seen{"inside": show(conn)})
	t.Must(one.Rollback(ctx))
	say.Say("settings", t.Seen{"undone": show(conn)})
	t.Must(do(conn, "BEGIN; SET statement_timeout TO '456s'; COMMIT"))
	say.Say("settings", t.Seen{"kept": show(conn), "who": rows(conn, "SELECT schema FROM who")})
	t.Must(do(conn, "RESET statement_timeout"))
	say.Say("reset", t.Seen{"seen": show(conn)})
}

func cursors(conn *pgx.Conn, say *t.Transcript) {
	one, err := conn.Begin(ctx)
	t.Must(err)
	t.Must(do(conn, "DECLARE portal CURSOR FOR "+t.Series))
	sum, place := int64(0), 0
	for part := rows(conn, "FETCH 700 FROM portal"); len(part) > 0; part = rows(conn, "FETCH 700 FROM portal") {
		for _, row := range part {
			sum = t.Sum(sum, place, int64(row[0].(int32)), row[1].(string))
			place++
		}
	}
	t.Must(one.Commit(ctx))
	// Rows as they come, and left halfway.
	stream, err := conn.Query(ctx, t.Series)
	t.Must(err)
	for n := 0; n < 10; n++ {
		stream.Next()
	}
	stream.Close()
	say.Say("cursor", t.Seen{"sum": sum, "count": place, "half": fails(stream.Err()), "tag": stream.CommandTag().String()})
}

func pipelines(conn *pgx.Conn, schema string, say *t.Transcript) {
	batch := &pgx.Batch{}
	for n := 0; n < 30; n++ {
		batch.Queue("SELECT $1::int, $2::text", n, fmt.Sprintf("%s %d", schema, n))
		batch.Queue("INSERT INTO items VALUES ($1, $2)", n+200, "batch")
	}
	seen := [][]any{}
	results := conn.SendBatch(ctx, batch)
	for n := 0; n < 30; n++ {
		answer, err := results.Query()
		t.Must(err)
		part, err := pgx.CollectRows(answer, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
		t.Must(err)
		seen = append(seen, part...)
		_, err = results.Exec()
		t.Must(err)
	}
	t.Must(results.Close())
	failing := &pgx.Batch{}
	for _, n := range []int{1, 0, 2} {
		failing.Queue("SELECT 10 / $1::int", n)
	}
	results = conn.SendBatch(ctx, failing)
	failed := []any{}
	for n := 0; n < 3; n++ {
		_, err := results.Exec()
		failed = append(failed, fails(err))
	}
	say.Say("batch", t.Seen{"seen": seen, "failed": failed, "close": fails(results.Close())})
	// The pipeline with Syncs of one's own.
	pipeline := conn.PgConn().StartPipeline(ctx)
	pipeline.SendPrepare("pipelined", "SELECT $1::int + 1", nil)
	pipeline.SendQueryPrepared("pipelined", [][]byte{[]byte("41")}, nil, nil)
	t.Must(pipeline.Sync())
	kinds := []string{}
	take := func() {
		result, err := pipeline.GetResults()
		if reader, is := result.(*pgconn.ResultReader); is {
			read := reader.Read()
			kinds = append(kinds, fmt.Sprintf("%s %s", read.Rows, read.CommandTag))
			return
		}
		kinds = append(kinds, fmt.Sprintf("%T %v", result, fails(err)))
	}
	take()
	take()
	take()
	pipeline.SendQueryParams("SELEKT", nil, nil, nil, nil)
	pipeline.SendQueryPrepared("pipelined", [][]byte{[]byte("1")}, nil, nil)
	t.Must(pipeline.Sync())
	pipeline.SendQueryPrepared("pipelined", [][]byte{[]byte("2")}, nil, nil)
	t.Must(pipeline.Sync())
	for n := 0; n < 5; n++ {
		take()
	}
	t.Must(pipeline.Close())
	t.Must(conn.Deallocate(ctx, "pipelined"))
	say.Say("pipeline", t.Seen{"kinds": kinds})
}

func copies(conn *pgx.Conn, schema string, say *t.Transcript) {
	count, err := conn.CopyFrom(ctx, pgx.Identifier{"items"}, []string{"id", "word"},
		pgx.CopyFromSlice(2000, func(n int) ([]any, error) { return []any{n + 2000, fmt.Sprintf("%s %d", schema, n)}, nil }))
	t.Must(err)
	_, again := conn.CopyFrom(ctx, pgx.Identifier{"items"}, []string{"id", "word"}, pgx.CopyFromRows([][]any{{1, "again"}}))
	tag, err := conn.PgConn().CopyTo(ctx, io.Discard, "COPY items TO STDOUT")
	t.Must(err)
	say.Say("copy", t.Seen{"count": count, "again": fails(again), "tag": tag.String(), "on": rows(conn, "SELECT count(*) FROM items")})
}

func notify(conn *pgx.Conn, schema string, say *t.Transcript) {
	t.Must(do(conn, "LISTEN "+schema))
	t.Must(do(conn, "BEGIN; NOTIFY "+schema+", 'undone'; ROLLBACK"))
	t.Must(do(conn, "SELECT pg_notify($1, 'first')", schema))
	t.Must(do(conn, "NOTIFY "+schema+", 'second'"))
	seen, own := [][]any{}, []bool{}
	for len(seen) < 2 {
		one, err := conn.WaitForNotification(ctx)
		t.Must(err)
		seen = append(seen, []any{one.Channel, one.Payload})
		own = append(own, one.PID == conn.PgConn().PID())
	}
	t.Must(do(conn, "UNLISTEN *"))
	say.Say("notify", t.Seen{"seen": seen})
	say.Say("sender", t.Seen{"own": own})
}

func temporary(conn *pgx.Conn, say *t.Transcript) {
	t.Must(do(conn, "CREATE TEMP TABLE scratch AS SELECT generate_series(1, 10) AS n"))
	total := rows(conn, "SELECT sum(n) FROM scratch WHERE n > $1", 3)
	t.Must(do(conn, "DROP TABLE scratch"))
	say.Say("temporary", t.Seen{"total": total, "gone": fails(do(conn, "SELECT n FROM scratch"))})
}

func cancels(conn *pgx.Conn, noticed chan struct{}, say *t.Transcript) {
	t.Must(do(conn, "SET statement_timeout TO '50ms'"))
	timeout := fails(do(conn, "SELECT pg_sleep($1)", 600))
	t.Must(do(conn, "SET statement_timeout TO '234s'"))
	go func() {
		<-noticed
		_ = conn.PgConn().CancelRequest(ctx)
	}()
	cancelled := fails(do(conn, "SELECT public.announced_wait()"))
	say.Say("cancel", t.Seen{"timeout": timeout, "cancelled": cancelled, "on": rows(conn, "SELECT 'goes on'")})
}

func work(url, schema string, say *t.Transcript) {
	config, err := pgx.ParseConfig(url)
	t.Must(err)
	config.RuntimeParams = map[string]string{"application_name": schema, "statement_timeout": "234s", "options": "-c DateStyle=ISO,DMY"}
	noticed := make(chan struct{}, 8)
	config.OnNotice = func(_ *pgconn.PgConn, notice *pgconn.Notice) {
		if notice.Message == "it waits" {
			noticed <- struct{}{}
		}
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	t.Must(err)
	say.Say("startup", t.Seen{"settings": show(conn), "status": conn.PgConn().ParameterStatus("application_name")})
	t.Must(do(conn, fmt.Sprintf("CREATE SCHEMA %[1]s; SET search_path TO %[1]s; CREATE TABLE items (id int PRIMARY KEY, word text);"+
		" CREATE TABLE who AS SELECT '%[1]s'::text AS schema", schema)))
	types(conn, say)
	prepared(conn, schema, say)
	transactions(conn, say)
	settings(conn, schema, say)
	cursors(conn, say)
	pipelines(conn, schema, say)
	copies(conn, schema, say)
	notify(conn, schema, say)
	temporary(conn, say)
	cancels(conn, noticed, say)
	say.Say("settings", t.Seen{"last": show(conn), "who": rows(conn, "SELECT schema FROM who")})
	t.Must(conn.Close(ctx))
}

func main() { t.PlayCopies("pgx", work) }
