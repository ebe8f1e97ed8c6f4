import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.postgresql.util.PSQLException;

/** What one copy saw: a JSON object a line. */
final class Transcript implements AutoCloseable {
    private final PrintWriter file;

    Transcript(Path folder, int copy) throws IOException {
        file = new PrintWriter(Files.newBufferedWriter(folder.resolve(copy + ".jsonl"), StandardCharsets.UTF_8));
    }

    /** Pairs of name and value. */
    void say(String step, Object... pairs) {
        StringBuilder line = new StringBuilder("{\"step\": " + quoted(step));
        for (int at = 0; at < pairs.length; at += 2) {
            line.append(", ").append(quoted(pairs[at].toString())).append(": ").append(json(pairs[at + 1]));
        }
        file.println(line.append('}'));
        file.flush();
    }

    private static String quoted(String text) {
        StringBuilder result = new StringBuilder("\"");
        for (char letter : text.toCharArray()) {
            if (letter == '"' || letter == '\\') {
                result.append('\\').append(letter);
            } else if (letter < ' ') {
                result.append(String.format("\\u%04x", (int) letter));
            } else {
                result.append(letter);
            }
        }
        return result.append('"').toString();
    }

    private static String json(Object value) {
        if (value instanceof List<?> list) {
            List<String> parts = new ArrayList<>();
            list.forEach(part -> parts.add(json(part)));
            return "[" + String.join(", ", parts) + "]";
        }
        if (value instanceof byte[] bytes) return quoted(java.util.HexFormat.of().formatHex(bytes));
        if (value instanceof Number || value instanceof Boolean || value == null) return String.valueOf(value);
        return quoted(value.toString());
    }

    static List<Object> rows(ResultSet result) throws SQLException {
        List<Object> all = new ArrayList<>();
        int columns = result.getMetaData().getColumnCount();
        while (result.next()) {
            List<Object> row = new ArrayList<>();
            for (int column = 1; column <= columns; column++) row.add(result.getObject(column));
            all.add(row);
        }
        return all;
    }

    interface Call {
        void run() throws SQLException;
    }

    /** What PostgreSQL says. */
    static List<Object> fails(Call call) {
        List<Object> seen = new ArrayList<>();
        try {
            call.run();
            seen.add("no error");
        } catch (SQLException error) {
            seen.add(error.getSQLState());
            seen.add(error.getMessage());
            if (error instanceof PSQLException said && said.getServerErrorMessage() != null) {
                seen.add(said.getServerErrorMessage().getConstraint());
            }
        }
        return seen;
    }

    @Override
    public void close() {
        file.close();
    }
}
