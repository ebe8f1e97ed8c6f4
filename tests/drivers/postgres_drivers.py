"""The drivers: how each is had, which program plays its workload, what is known about it."""

import os

import acquire
from driver import Driver, Ready, of_node, python_runtime

HERE = acquire.HERE


def of_python(module):
    def prepare(_rig):
        version, environment = None, {}
        if module == "psycopg2":
            folder = acquire.psycopg2()
            if folder is not None:
                environment["PYTHONPATH"] = str(folder)
                version = acquire.PSYCOPG2
        version = version or acquire.python_module(module)
        command = [acquire.PYTHON, "-B", str(HERE / "python" / f"{module}_work.py")]
        return Ready(command, version, python_runtime(), environment)
    return prepare


def of_go(module, program):
    def prepare(_rig):
        folder = acquire.go_programs()
        return Ready([str(folder / program)], acquire.go_modules(module).removeprefix("v"),
                     f"Go {acquire.go_version()}")
    return prepare


def psql(rig):
    program = os.path.join(rig.postgres.binaries, "psql")
    version = acquire.run([program, "--version"]).split()[2]
    command = [acquire.PYTHON, "-B", str(HERE / "psql" / "play.py"), program]
    return Ready(command, version, "C")


def libpq(_rig):
    program = acquire.c_program(HERE / "c" / "libpq.c", "libpq")
    return Ready([str(program)], acquire.run([program, "--version"]).strip(), "C")


def jdbc(_rig):
    path, version = acquire.java_classes()
    runtime = acquire.run(["java", "-version"]).split('"')[1]
    return Ready(["java", "-Xmx768m", "-XX:+UseSerialGC", "-cp", path, "Workload"], version,
                 f"Java {runtime}")



DRIVERS = [
    Driver("psql", psql),
    Driver("libpq", libpq),
    Driver("psycopg2", of_python("psycopg2")),
    Driver("psycopg", of_python("psycopg"), short=True),
    Driver("asyncpg", of_python("asyncpg"), short=True),
    Driver("JDBC", jdbc),
    Driver("node-postgres", of_node("pg", "node_postgres"), short=True),
    Driver("pg-cursor", of_node("pg-cursor", "pg_cursor")),
    Driver("pg-query-stream", of_node("pg-query-stream", "pg_query_stream")),
    Driver("postgres.js", of_node("postgres", "postgres_js"), short=True),
    Driver("Prisma", of_node("@prisma/client", "prisma")),
    Driver("drizzle-orm", of_node("drizzle-orm", "drizzle")),
    Driver("knex", of_node("knex", "knex")),
    Driver("TypeORM", of_node("typeorm", "typeorm")),
    Driver("Sequelize", of_node("sequelize", "sequelize")),
    Driver("pgx", of_go("github.com/jackc/pgx/v5", "pgx")),
    Driver("lib/pq", of_go("github.com/lib/pq", "pq")),
]
