// lib/pq by database/sql: prepared statements, COPY by its own statement, LISTEN on a connection apart.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/lib/pq"
	t "sluice/tests/drivers/go/transcript"
)

var ctx = context.Background()

func fails(err error) any {
	var said *pq.Error
	if errors.As(err, &said) {
		return []any{said.Code, said.Message, said.Constraint, said.Position}
	}
	if err != nil {
		return err.Error()
	}
	return "no error"
}

func do(conn *sql.Conn, query string, parameters ...any) error {
	_, err := conn.ExecContext(ctx, query, parameters...)
	return err
}

func collect(result *sql.Rows) ([][]any, error) {
	defer result.Close()
	names, err := result.Columns()
	t.Must(err)
	all := [][]any{}
	for result.Next() {
		row, places := make([]any, len(names)), make([]any, len(names))
		for n := range row {
			places[n] = &row[n]
		}
		t.Must(result.Scan(places...))
		all = append(all, row)
	}
	return all, result.Err()
}

func rows(conn *sql.Conn, query string, parameters ...any) [][]any {
	result, err := conn.QueryContext(ctx, query, parameters...)
	t.Must(err)
	all, err := collect(result)
	t.Must(err)
	return all
}

func show(conn *sql.Conn) t.Seen {
	seen := t.Seen{}
	for _, name := range []string{"search_path", "statement_timeout", "application_name", "DateStyle"} {
		seen[name] = rows(conn, "SHOW " + name)[0][0]
	}
	return seen
}

func prepared(conn *sql.Conn, schema string, say *t.Transcript) {
	say.Say("types", t.Seen{"row": rows(conn, "SELECT $1::int8, $2::text, $3::bytea, $4::numeric::text, $5::timestamptz::text,"+
		" $6::int[], $7::text[], $8::text, $9::jsonb", t.Big, t.Text, t.Bytes, t.Numeric, t.Moment, pq.Array([]int64{1, 3}),
		pq.Array([]string{"a,b", "c\"d", "ü"}), nil, t.JSON)})
	twice, err := conn.PrepareContext(ctx, "SELECT $1::int * 2, $2 || '!'")
	t.Must(err)
	put, err := conn.PrepareContext(ctx, "INSERT INTO items VALUES ($1, $2)")
	t.Must(err)
	seen := [][]any{}
	for n := 0; n < 20; n++ {
		result, err := twice.QueryContext(ctx, n, fmt.Sprintf("%s %d", schema, n))
		t.Must(err)
		part, err := collect(result)
		t.Must(err)
		seen = append(seen, part...)
		_, err = put.ExecContext(ctx, n+50, "word")
		t.Must(err)
	}
	t.Must(twice.Close())
	t.Must(put.Close())
	_, wrong := conn.PrepareContext(ctx, "SELEKT $1")
	say.Say("prepared", t.Seen{"rows": seen, "wrong": fails(wrong), "count": rows(conn, "SELECT count(*) FROM items WHERE id > $1", 60)})
	t.Must(do(conn, "DELETE FROM items"))
}

func transactions(conn *sql.Conn, say *t.Transcript) {
	one, err := conn.BeginTx(ctx, nil)
	t.Must(err)
	_, err = one.Exec("INSERT INTO items SELECT n, 'kept ' || n FROM generate_series(1, 5) n")
	t.Must(err)
	t.Must(one.Commit())
	one, err = conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelSerializable})
	t.Must(err)
	_, err = one.Exec("DELETE FROM items")
	t.Must(err)
	t.Must(one.Rollback())
	say.Say("transactions", t.Seen{"after": rows(conn, "SELECT * FROM items ORDER BY id")})
	one, err = conn.BeginTx(ctx, nil)
	t.Must(err)
	_, err = one.Exec("SAVEPOINT one")
	t.Must(err)
	_, failed := one.Exec("INSERT INTO items VALUES ($1, 'again')", 1)
	_, aborted := one.Exec("SELECT 1")
	_, err = one.Exec("ROLLBACK TO SAVEPOINT one")
	t.Must(err)
	_, err = one.Exec("INSERT INTO items VALUES (6, $1)", t.Text)
	t.Must(err)
	t.Must(one.Commit())
	say.Say("savepoint", t.Seen{"failed": fails(failed), "aborted": fails(aborted), "count": rows(conn, "SELECT count(*) FROM items")})
	say.Say("errors", t.Seen{"unique": fails(do(conn, "INSERT INTO items VALUES ($1, 'x')", 1)), "syntax": fails(do(conn, "SELEKT $1", 1)),
		"zero": fails(do(conn, "SELECT 1 / $1::int", 0)), "simple": fails(do(conn, "SELEKT 1")), "on": rows(conn, "SELECT 'goes on'")})
}

func settings(conn *sql.Conn, schema string, say *t.Transcript) {
	t.Must(do(conn, "SET search_path TO "+schema+", public"))
	t.Must(do(conn, "SELECT set_config('application_name', $1, false)", "renamed_"+schema))
	say.Say("settings", t.Seen{"outside": show(conn)})
	one, err := conn.BeginTx(ctx, nil)
	t.Must(err)
	_, err = one.Exec("SET statement_timeout TO '345s'")
	t.Must(err)
	t.Must(one.Rollback())
	say.Say("settings", t.Seen{"undone": show(conn), "who": rows(conn, "SELECT schema FROM who")})
	t.Must(do(conn, "SET statement_timeout TO '456s'"))
	t.Must(do(conn, "RESET statement_timeout"))
	say.Say("reset", t.Seen{"seen": show(conn)})
}

func copies(conn *sql.Conn, schema string, say *t.Transcript) {
	copied := func(from, to int) error {
		one, err := conn.BeginTx(ctx, nil)
		t.Must(err)
		statement, err := one.Prepare(pq.CopyIn("items", "id", "word"))
		t.Must(err)
		for n := from; n < to; n++ {
			if _, err = statement.Exec(n, fmt.Sprintf("%s %d", schema, n)); err != nil {
				break
			}
		}
		if err == nil {
			_, err = statement.Exec()
		}
		_ = statement.Close()
		if err != nil {
			t.Must(one.Rollback())
			return err
		}
		return one.Commit()
	}
	t.Must(copied(2000, 4000))
	say.Say("copy", t.Seen{"again": fails(copied(1, 2)), "count": rows(conn, "SELECT count(*) FROM items")})
}

func streams(conn *sql.Conn, say *t.Transcript) {
	result, err := conn.QueryContext(ctx, t.Series)
	t.Must(err)
	sum, place := int64(0), 0
	for ; result.Next(); place++ {
		var n int64
		var digest string
		t.Must(result.Scan(&n, &digest))
		sum = t.Sum(sum, place, n, digest)
	}
	t.Must(result.Err())
	say.Say("stream", t.Seen{"sum": sum, "count": place})
	t.Must(do(conn, "CREATE TEMP TABLE scratch AS SELECT generate_series(1, 10) AS n"))
	total := rows(conn, "SELECT sum(n) FROM scratch WHERE n > $1", 3)
	t.Must(do(conn, "DROP TABLE scratch"))
	say.Say("temporary", t.Seen{"total": total, "gone": fails(do(conn, "SELECT n FROM scratch"))})
	t.Must(do(conn, "SET statement_timeout TO '50ms'"))
	say.Say("cancel", t.Seen{"timeout": fails(do(conn, "SELECT pg_sleep($1)", 600)), "on": rows(conn, "SELECT 'goes on'")})
	t.Must(do(conn, "SET statement_timeout TO '234s'"))
}

// On a connection of its own, beside the one that notifies.
func notify(url string, conn *sql.Conn, schema string, say *t.Transcript) {
	listener := pq.NewListener(url, 1e9, 1e9, nil)
	t.Must(listener.Listen(schema))
	t.Must(do(conn, "SELECT pg_notify($1, 'first')", schema))
	t.Must(do(conn, "NOTIFY "+schema+", 'second'"))
	seen := [][]any{}
	for len(seen) < 2 {
		if one := <-listener.Notify; one != nil {
			seen = append(seen, []any{one.Channel, one.Extra})
		}
	}
	t.Must(listener.Close())
	say.Say("notify", t.Seen{"seen": seen})
}

func work(url, schema string, say *t.Transcript) {
	url += "?sslmode=disable&application_name=" + schema + "&statement_timeout=234000"
	db, err := sql.Open("postgres", url)
	t.Must(err)
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	t.Must(err)
	say.Say("startup", t.Seen{"settings": show(conn)})
	t.Must(do(conn, fmt.Sprintf("CREATE SCHEMA %[1]s; SET search_path TO %[1]s; CREATE TABLE items (id int PRIMARY KEY, word text);"+
		" CREATE TABLE who AS SELECT '%[1]s'::text AS schema", schema)))
	prepared(conn, schema, say)
	transactions(conn, say)
	settings(conn, schema, say)
	copies(conn, schema, say)
	streams(conn, say)
	if !strings.Contains(os.Getenv("SLUICE_WITHOUT"), "notify") {
		notify(url, conn, schema, say)
	}
	say.Say("settings", t.Seen{"last": show(conn), "who": rows(conn, "SELECT schema FROM who")})
	t.Must(conn.Close())
	t.Must(db.Close())
}

func main() { t.PlayCopies("pq", work) }
