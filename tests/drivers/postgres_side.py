"""PostgreSQL's drivers: two backends in transaction mode, however many copies there are."""

import contextlib

from postgres_drivers import DRIVERS

BACKENDS = 2


class PostgresSide:
    name, page, copies, short_copies, drivers = "postgres", "drivers.md", 50, 8, DRIVERS
    what, mark = "drivers", "tests/drivers/run --write-docs"
    pins_metric = "sluice_pool_pins_total"

    def __init__(self, rig):
        """A function that says by a notice that it has begun, so that it can be cancelled then.

        asyncpg's questions about types cost two seconds each to compile, and microseconds to run.
        """
        self.rig = rig
        rig.postgres.execute(
            "ALTER DATABASE app SET jit = off",
            "CREATE FUNCTION announced_wait() RETURNS int LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE NOTICE 'it waits'; PERFORM pg_sleep(600); RETURN 1; END $$", database="app")

    def direct(self):
        return f"postgresql://app@127.0.0.1:{self.rig.postgres.port}/app"

    @contextlib.contextmanager
    def pooled(self, _driver, _copies, _outcome):
        with self.rig.sluice(pool_size=BACKENDS, wait_timeout="30m", client_login_timeout="30m") as sluice:
            yield sluice, sluice.url()
