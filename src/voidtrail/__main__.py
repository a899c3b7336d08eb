"""`python -m voidtrail` is the command `voidtrail`."""

if __name__ == "__main__":
    from voidtrail.cli.main import main

    main()
