#!/usr/bin/env python
"""Django's command line with Plinth's settings."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Run the command in `sys.argv`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infra.settings")
    if sys.argv[1:2] == ["up"] and "--demo" in sys.argv:
        os.environ.setdefault("DEMO", "true")  # settings are read before any command sees its options
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
