"""Data that a seeded generator renders: each row a pure function of seed, split and index."""
