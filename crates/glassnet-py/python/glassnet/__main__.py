"""The command ``glassnet``: ``python -m glassnet …`` does what the binary does."""

import signal
import sys

from . import _glassnet


def main() -> int:
    """Do what the command line says and return the exit status."""
    # The program handles Ctrl-C itself, as the binary does.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _glassnet.main(["glassnet", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
