"""``python -m hlm`` and the console script ``hlm``."""

import os
import sys


def run() -> None:
    """The command line. Ctrl-C while it loads ends in one line, not in a traceback."""
    try:
        from hlm.cli import main

        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough: ``hlm compare ... | head -1``
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 128 + 13  # as a shell says of SIGPIPE
    except KeyboardInterrupt:
        print("hlm: Interrupted.", file=sys.stderr)
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    run()
