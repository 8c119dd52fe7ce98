"""Run the command line as `python -m csnb`."""

from csnb.cli import main

main()
