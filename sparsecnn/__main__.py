"""`python -m sparsecnn`."""

from sparsecnn.cli import main

if __name__ == "__main__":
    main()
