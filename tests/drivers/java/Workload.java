import static java.util.Arrays.asList;

import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** JDBC: named from the fifth use on, fetch sizes, batches, COPY, cancel. Workload URL FOLDER FIRST COUNT. */
final class Workload {
    private static final String TEXT = "O'Hara \"quoted\" \\ back ünïcödé 漢字 🐘";
    private static final String SERIES = "SELECT n, md5(n::text) FROM generate_series(1, 5000) AS n";

    private final Connection connection;
    private final Statement statement;
    private final String schema;
    private final Transcript transcript;

    private Workload(Connection connection, String schema, Transcript transcript) throws SQLException {
        this.connection = connection;
        this.statement = connection.createStatement();
        this.schema = schema;
        this.transcript = transcript;
    }

    private List<Object> rows(String sql, Object... parameters) throws SQLException {
        try (PreparedStatement prepared = connection.prepareStatement(sql)) {
            for (int at = 0; at < parameters.length; at++) prepared.setObject(at + 1, parameters[at]);
            return Transcript.rows(prepared.executeQuery());
        }
    }

    private List<Object> failsWith(String sql) {
        return Transcript.fails(() -> statement.execute(sql));
    }

    private List<Object> show() throws SQLException {
        List<Object> seen = new ArrayList<>();
        for (String name : List.of("search_path", "statement_timeout", "application_name", "extra_float_digits", "TimeZone")) {
            seen.addAll(rows("SHOW " + name));
        }
        return seen;
    }

    private void types() throws SQLException {
        String sql = "SELECT ?::int8, ?::text, ?::bytea, ?::numeric, ?::timestamptz, ?::text, ?::jsonb::text";
        // Behind the fifth time it is named, and its results come in binary.
        for (int turn = 0; turn < 8; turn++) {
            transcript.say("types", "row", rows(sql, 9007199254740993L, TEXT, new byte[] {0, -1, 39, 92, 10},
                new BigDecimal("12345678901234567890.123456789"), OffsetDateTime.parse("2024-02-29T12:34:56.789Z"), null,
                "{\"k\": [1, {\"ü\": null}]}"));
        }
        try (PreparedStatement prepared = connection.prepareStatement("SELECT ?::int[]::text, ?::text[]")) {
            prepared.setArray(1, connection.createArrayOf("int4", new Object[] {1, null, 3}));
            prepared.setArray(2, connection.createArrayOf("text", new Object[] {"a,b", "c\"d", null}));
            ResultSet result = prepared.executeQuery();
            result.next();
            transcript.say("types", "arrays", result.getString(1), "texts", asList((Object[]) result.getArray(2).getArray()));
        }
    }

    private void prepared() throws SQLException {
        List<Object> seen = new ArrayList<>();
        try (PreparedStatement twice = connection.prepareStatement("SELECT ? * 2, ? || '!'");
             PreparedStatement put = connection.prepareStatement("INSERT INTO items VALUES (?, ?)")) {
            for (int turn = 0; turn < 20; turn++) {
                twice.setInt(1, turn);
                twice.setString(2, schema + " " + turn);
                seen.addAll(Transcript.rows(twice.executeQuery()));
                put.setInt(1, turn + 50);
                put.setString(2, TEXT);
                put.executeUpdate();
            }
        }
        transcript.say("prepared", "rows", seen, "count", rows("SELECT count(*) FROM items WHERE id > ?", 60));
        List<Object> many = new ArrayList<>();
        for (int turn = 0; turn < 6; turn++) {
            // More than its cache of 256: the oldest are closed.
            for (int n = 0; n < 60; n++) many.addAll(rows("SELECT ? + " + (turn % 2 * 60 + n), 1));
        }
        statement.execute("DELETE FROM items");
        transcript.say("prepared", "many", many);
    }

    private void batches() throws SQLException {
        List<Object> counts = new ArrayList<>();
        try (PreparedStatement put = connection.prepareStatement("INSERT INTO items VALUES (?, ?)")) {
            for (int n = 500; n < 1000; n++) {
                put.setInt(1, n);
                put.setString(2, "batch " + n);
                put.addBatch();
            }
            for (int one : put.executeBatch()) counts.add(one);
            for (int n : new int[] {400, 500, 401}) {
                put.setInt(1, n);
                put.setString(2, "again");
                put.addBatch();
            }
            transcript.say("batch", "counts", counts, "failed", Transcript.fails(put::executeBatch),
                "after", rows("SELECT count(*) FROM items"));
        }
    }

    private void transactions() throws SQLException {
        connection.setAutoCommit(false);
        statement.execute("INSERT INTO items SELECT n, 'kept ' || n FROM generate_series(1, 5) n");
        connection.commit();
        statement.execute("DELETE FROM items");
        transcript.say("transactions", "inside", rows("SELECT count(*) FROM items"));
        connection.rollback();
        transcript.say("transactions", "after", rows("SELECT * FROM items ORDER BY id"));
        Savepoint savepoint = connection.setSavepoint("one");
        List<Object> failed = failsWith("INSERT INTO items VALUES (1, 'again')");
        List<Object> aborted = failsWith("SELECT 1");
        connection.rollback(savepoint);
        statement.execute("INSERT INTO items VALUES (6, 'kept')");
        connection.commit();
        transcript.say("savepoint", "failed", failed, "aborted", aborted, "count", rows("SELECT count(*) FROM items"));
        connection.commit();
        connection.setAutoCommit(true);
        transcript.say("errors", "unique", failsWith("INSERT INTO items VALUES (1, 'x')"), "syntax", failsWith("SELEKT 1"),
            "zero", Transcript.fails(() -> rows("SELECT 1 / ?", 0)), "several", failsWith("SELECT 1; SELECT 1 / 0; SELECT 3"),
            "on", rows("SELECT 'goes on'"));
    }

    private void settings() throws SQLException {
        statement.execute("SET search_path TO " + schema + ", public");
        connection.setClientInfo("ApplicationName", "renamed_" + schema);
        transcript.say("settings", "outside", show(), "info", connection.getClientInfo("ApplicationName"));
        connection.setAutoCommit(false);
        connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        statement.execute("SET statement_timeout TO '345s'");
        transcript.say("settings", "inside", show(), "isolation", rows("SHOW transaction_isolation"));
        connection.rollback();
        transcript.say("settings", "undone", show());
        connection.rollback();
        connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        statement.execute("SET statement_timeout TO '456s'");
        connection.commit();
        connection.setReadOnly(true);
        List<Object> refused = failsWith("INSERT INTO items VALUES (7, 'read only')");
        connection.rollback();
        connection.setReadOnly(false);
        connection.setAutoCommit(true);
        transcript.say("settings", "kept", show(), "refused", refused, "who", rows("SELECT schema FROM who"));
        statement.execute("RESET statement_timeout");
        transcript.say("reset", "seen", show());
    }

    private void cursors() throws SQLException {
        connection.setAutoCommit(false);
        for (int size : new int[] {0, 700, 33}) {
            try (PreparedStatement reading = connection.prepareStatement(SERIES + " WHERE n > ?")) {
                reading.setFetchSize(size);
                reading.setInt(1, 2000);
                long sum = 0;
                int place = 0;
                ResultSet result = reading.executeQuery();
                for (; result.next(); place++) {
                    sum = (sum * 31 + (long) place * result.getInt(1) + Integer.parseInt(result.getString(2).substring(0, 6), 16)) % 1000000007;
                }
                transcript.say("cursor", "size", size, "count", place, "sum", sum);
            }
        }
        connection.commit();
        connection.setAutoCommit(true);
    }

    private void copies() throws Exception {
        var copy = connection.unwrap(PGConnection.class).getCopyAPI();
        StringBuilder lines = new StringBuilder();
        for (int n = 2000; n < 4000; n++) lines.append(n).append("\tcopied ").append(n).append('\n');
        long count = copy.copyIn("COPY items FROM STDIN", new StringReader(lines.toString()));
        StringWriter out = new StringWriter();
        long taken = copy.copyOut("COPY (SELECT * FROM items WHERE id >= 2000 ORDER BY id) TO STDOUT", out);
        transcript.say("copy", "count", count, "taken", taken, "same", out.toString().equals(lines.toString()),
            "again", Transcript.fails(() -> {
                try {
                    copy.copyIn("COPY items FROM STDIN", new StringReader("1\tagain\n"));
                } catch (java.io.IOException error) {
                    throw new SQLException(error);
                }
            }), "on", rows("SELECT count(*) FROM items"));
    }

    private void notifications() throws SQLException {
        PGConnection own = connection.unwrap(PGConnection.class);
        statement.execute("LISTEN " + schema);
        statement.execute("BEGIN; NOTIFY " + schema + ", 'undone'; ROLLBACK");
        rows("SELECT pg_notify(?, 'first')::text", schema);
        statement.execute("NOTIFY " + schema + ", 'second'");
        List<Object> seen = new ArrayList<>();
        List<Object> senders = new ArrayList<>();
        while (seen.size() < 2) {
            PGNotification[] some = own.getNotifications(0);
            for (PGNotification one : some == null ? new PGNotification[0] : some) {
                seen.add(asList(one.getName(), one.getParameter()));
                senders.add(one.getPID() == own.getBackendPID());
            }
        }
        statement.execute("UNLISTEN *");
        transcript.say("notify", "seen", seen);
        transcript.say("sender", "own", senders);
    }

    private void temporary() throws SQLException {
        statement.execute("CREATE TEMP TABLE scratch AS SELECT generate_series(1, 10) AS n");
        List<Object> total = rows("SELECT sum(n) FROM scratch WHERE n > ?", 3);
        statement.execute("DROP TABLE scratch");
        transcript.say("temporary", "total", total, "gone", failsWith("SELECT n FROM scratch"));
    }

    private void cancels() throws Exception {
        statement.execute("SET statement_timeout TO '50ms'");
        List<Object> timeout = failsWith("SELECT pg_sleep(600)");
        statement.execute("SET statement_timeout TO '234s'");
        try (Statement waiting = connection.createStatement()) {
            Thread cancelling = new Thread(() -> {
                try {
                    // The warning appears as soon as it arrives; nothing tells of it.
                    while (waiting.getWarnings() == null) LockSupport.parkNanos(1_000_000);
                    waiting.cancel();
                } catch (SQLException error) {
                    error.printStackTrace();
                }
            });
            cancelling.start();
            List<Object> cancelled = Transcript.fails(() -> waiting.execute("SELECT public.announced_wait()"));
            cancelling.join();
            transcript.say("cancel", "timeout", timeout, "cancelled", cancelled, "on", rows("SELECT 'goes on'"));
        }
    }

    private void work() throws Exception {
        transcript.say("startup", "settings", show(), "version", connection.getMetaData().getDatabaseProductVersion());
        statement.execute("CREATE SCHEMA " + schema + "; SET search_path TO " + schema
            + "; CREATE TABLE items (id int PRIMARY KEY, word text); CREATE TABLE who AS SELECT '" + schema + "'::text AS schema");
        types();
        prepared();
        transactions();
        batches();
        settings();
        cursors();
        copies();
        notifications();
        temporary();
        cancels();
        transcript.say("settings", "last", show(), "who", rows("SELECT schema FROM who"));
    }

    private static boolean play(String url, Path folder, int copy) {
        String schema = "jdbc_c" + copy;
        Properties properties = new Properties();
        properties.setProperty("ApplicationName", schema);
        properties.setProperty("options", "-c statement_timeout=234s");
        try (Transcript transcript = new Transcript(folder, copy)) {
            try (Connection connection = DriverManager.getConnection(url, properties)) {
                new Workload(connection, schema, transcript).work();
                transcript.say("end");
                return true;
            } catch (Exception error) {
                transcript.say("failed", "why", error);
                error.printStackTrace();
                return false;
            }
        } catch (java.io.IOException error) {
            error.printStackTrace();
            return false;
        }
    }

    public static void main(String[] arguments) throws InterruptedException {
        // postgresql://user@host/database is libpq's form.
        java.net.URI given = java.net.URI.create(arguments[0]);
        String url = "jdbc:postgresql://" + given.getHost() + ":" + given.getPort() + given.getPath() + "?user="
            + given.getUserInfo() + "&loginTimeout=0&socketTimeout=0";
        int first = Integer.parseInt(arguments[2]);
        AtomicInteger failures = new AtomicInteger();
        List<Thread> running = new ArrayList<>();
        for (int copy = first; copy < first + Integer.parseInt(arguments[3]); copy++) {
            int number = copy;
            Thread thread = new Thread(() -> {
                if (!play(url, Path.of(arguments[1]), number)) failures.incrementAndGet();
            });
            thread.start();
            running.add(thread);
        }
        for (Thread thread : running) thread.join();
        System.exit(failures.get() == 0 ? 0 : 1);
    }
}
