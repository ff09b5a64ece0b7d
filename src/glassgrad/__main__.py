"""`python -m glassgrad` is the command `glassgrad`."""

from glassgrad.cli.main import main

if __name__ == "__main__":
    main()
