"""Plan, execute, record: everything that an evaluation does."""
