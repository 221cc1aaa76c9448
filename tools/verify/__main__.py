"""`python -m tools.verify`: see `command`."""

import sys

if __name__ == "__main__":
    try:
        from tools.verify.command import NOT_CHECKED, main
    except ModuleNotFoundError as error:
        print(
            f"verify: the Python package {error.name} is missing; run: make setup", file=sys.stderr
        )
        sys.exit(2)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(NOT_CHECKED)
