"""One engine, PostgreSQL: connections, the embedded server, sealed columns, keys, migrations."""
