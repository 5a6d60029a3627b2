"""Results: schema, store, statistics, ranking, rendering; pyarrow and numpy only."""
