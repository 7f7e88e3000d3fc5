"""``python -m dispatch_core``: the command line."""

from ._cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
