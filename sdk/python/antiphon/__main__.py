"""`python -m antiphon`: the command line, for where the program `antiphon` is not on the PATH."""

from antiphon.cli.main import main

if __name__ == "__main__":
    main()
