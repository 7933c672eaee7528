"""``python -m hlm``: the command line."""

from hlm.cli import run

if __name__ == "__main__":
    run()
