"""Lists that people bring: reading files, telling columns, and plans of what an import would do."""
