"""Draws the pictures of README.md: `python3 -m uv run python docs/make_pictures.py`."""

from pathlib import Path

import hlm

fits = hlm.fit_pooling("post ~ pre + (pre|school)", hlm.load_data("exam"), seed=1, progress=False)
hlm.plot_slopes(fits, term="pre").figure.savefig(Path(__file__).parent / "slopes.png", dpi=90)
