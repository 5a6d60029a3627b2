"""The seam that everything above speaks: examples and batches, tasks, models."""
