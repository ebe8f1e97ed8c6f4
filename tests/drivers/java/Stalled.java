import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** A reader with a fetch size that pauses until its backend has been taken: Stalled HOST PORT. */
final class Stalled {
    private Stalled() {}

    static void expect(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    static void pause() throws java.io.IOException {
        System.out.println("paused");
        while (System.in.read() != '\n') continue;
    }

    static void answers(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
             ResultSet rows = statement.executeQuery("SELECT 7")) {
            expect(rows.next() && rows.getInt(1) == 7, "no answer");
        }
        connection.commit();
    }

    // The version assumed keeps the driver from SET, which would keep its backend for it.
    public static void main(String[] arguments) throws Exception {
        String url = "jdbc:postgresql://" + arguments[0] + ":" + arguments[1] + "/app?user=app&assumeMinServerVersion=9.0";
        try (Connection connection = DriverManager.getConnection(url)) {
            connection.setAutoCommit(false);
            for (int round = 0; round < 2; ++round) {
                try (Statement statement = connection.createStatement()) {
                    statement.setFetchSize(5);
                    ResultSet rows = statement.executeQuery("SELECT generate_series(1, 1000)");
                    for (int row = 0; row < 5; ++row) expect(rows.next(), "no row");
                    pause();
                    if (round == 0) {
                        try {
                            rows.next();
                            throw new AssertionError("it went on");
                        } catch (SQLException error) {
                            expect("25P03".equals(error.getSQLState()), error.toString());
                        }
                        connection.rollback();
                    } else {
                        try {
                            connection.commit();
                            throw new AssertionError("a lost transaction was committed");
                        } catch (SQLException error) {
                            expect("25P03".equals(error.getSQLState()), error.toString());
                        }
                    }
                }
                answers(connection);
            }
        }
        System.out.println("done");
    }
}
