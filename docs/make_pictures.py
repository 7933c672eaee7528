"""Draws the pictures of README.md: `.uv/bin/uv run python docs/make_pictures.py`."""

from pathlib import Path

import hlm

here = Path(__file__).parent
exam = hlm.load_data("exam")
hlm.explain("post ~ pre + (pre|school)", exam).diagram.save(here / "diagram.svg")
fits = hlm.fit_pooling("post ~ pre + (pre|school)", exam, seed=1, progress=False)
pictures = {
    "slopes": hlm.plot_slopes(fits, term="pre"),
    "plane": hlm.plot_plane(fits),
    "shrinkage": hlm.plot_shrinkage(fits),
}
for name, ax in pictures.items():
    ax.figure.savefig(here / f"{name}.png", dpi=90)
