"""File formats of weights, read without running what they hold."""
