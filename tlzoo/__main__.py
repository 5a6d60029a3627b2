"""``python -m tlzoo``."""

from tlzoo.cli import main

if __name__ == "__main__":
    main()
