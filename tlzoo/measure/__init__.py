"""Latency, throughput, memory, FLOPs, size."""
