"""Draws the pictures of README.md: `python3 -m uv run python docs/make_pictures.py`."""

from pathlib import Path

import hlm

here = Path(__file__).parent
exam = hlm.load_data("exam")
hlm.explain("post ~ pre + (pre|school)", exam).diagram.save(here / "diagram.svg")
fits = hlm.fit_pooling("post ~ pre + (pre|school)", exam, seed=1, progress=False)
hlm.plot_slopes(fits, term="pre").figure.savefig(here / "slopes.png", dpi=90)
