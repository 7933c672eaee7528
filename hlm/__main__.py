"""``python -m hlm`` and the console script ``hlm``."""

import sys


def run() -> None:
    """The command line; whoever presses Ctrl-C while it is being loaded sees a line, too, and no traceback."""
    try:
        from hlm.cli import main

        status = main()
    except KeyboardInterrupt:
        print("hlm: Interrupted.", file=sys.stderr)
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    run()
