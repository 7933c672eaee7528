"""Shared by all tests: fitted models are made once and kept."""

from __future__ import annotations

import os

os.environ.setdefault("MPLBACKEND", "Agg")
