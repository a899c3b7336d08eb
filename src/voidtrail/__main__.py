"""`python -m voidtrail` is the command `voidtrail`."""

from voidtrail.cli.main import main

main()
