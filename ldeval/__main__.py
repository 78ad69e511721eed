"""`python -m ldeval` is the command `ldeval`."""

from ldeval.cli import main

main()
