"""`python -m p4xdp`: the same as the console script."""

from p4xdp.cli import main

if __name__ == "__main__":
    main()
