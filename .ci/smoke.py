"""Whether an installed hlm works: `python smoke.py [--without-nuts]`, from any folder but the repository.

Needs nothing but what hlm itself needs. Ends with an error at the first thing that does not work.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import hlm

SLEEP = "Reaction ~ Days + (Days|Subject)"
LME4_LOGLIK = -871.8141  # lme4 1.1-31, REML = TRUE
BOUND = 0.2  # of the posterior mean slope: four Monte Carlo sds, of 1.6 / sqrt(4000) each, and the priors' pull


def main() -> None:
    """Packaged data, words, each engine, leave-one-out, a picture, the command line."""
    installed = Path(hlm.__file__).resolve()
    if not installed.is_relative_to(Path(sys.prefix).resolve()):
        raise SystemExit(f"smoke: {installed} is not the installed hlm.")
    sleep = hlm.load_data("sleepstudy")
    for name in hlm.list_data()["name"]:
        expect(len(hlm.load_data(name)) > 0, f"data {name}")
    expect("Days" in str(hlm.explain(SLEEP, sleep)), "explain")
    expect(abs(hlm.reml(SLEEP, sleep).loglik - LME4_LOGLIK) < 1e-3, "reml is lme4's")
    fits = hlm.fit_pooling(SLEEP, sleep, seed=1, progress=False)
    expect([f.method for f in fits.values()] == ["exact"] * 3, "exact engine")
    exact = float(fits["partial"].idata["posterior"]["Days"].mean())
    expect(abs(exact - 10.467) < BOUND, f"slope {exact:.3f}, lme4's 10.467")
    expect(hlm.compare_loo(fits)["pooling"][0] == "partial", "leave-one-out")
    expect(len(hlm.predict(fits["partial"])) == 180, "predict")
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "slopes.png")
        hlm.plot_slopes(fits, term="Days").figure.savefig(picture)
        expect(picture.stat().st_size > 10_000, "a picture")
    if "--without-nuts" not in sys.argv:
        nuts = hlm.fit(SLEEP, sleep, method="nuts", draws=500, tune=500, chains=2, seed=1, progress=False)
        sampled = float(nuts.idata["posterior"]["Days"].mean())
        expect(abs(sampled - exact) < 2 * BOUND, f"NUTS agrees: {sampled:.2f}")
    for arguments, part in (
        (["data"], "exam"),
        (["explain", SLEEP, "sleepstudy"], "Subject"),
        (["compare", SLEEP, "sleepstudy", "--seed", "1", "--quiet"], "partial"),
    ):
        expect(part in command_line(arguments), f"hlm {arguments[0]}")


def expect(holds: bool, what: str) -> None:
    """Say what works, and stop at what does not."""
    print("ok  " if holds else "FAIL", what, flush=True)
    if not holds:
        raise SystemExit(1)


def command_line(arguments: list[str]) -> str:
    """What the installed console script prints."""
    script = Path(sysconfig.get_path("scripts"), "hlm")
    return subprocess.run([script, *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
