"""`python -m voidtrail` is the command `voidtrail`."""

from voidtrail.cli.main import main

if __name__ == "__main__":
    main()
