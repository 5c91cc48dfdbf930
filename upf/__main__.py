"""`python -m upf` is the console script `upf`."""

from upf.cli import main

main()
