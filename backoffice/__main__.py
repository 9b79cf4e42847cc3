"""`python -m backoffice` is the command `backoffice`."""

from backoffice.cli import main

main()
