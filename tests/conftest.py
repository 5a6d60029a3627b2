"""Shared by all tests."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # several processes on few cores: more threads only fight
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
