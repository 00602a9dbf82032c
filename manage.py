#!/usr/bin/env python
"""Run the project's commands: `manage.py serve`, `manage.py demo_worker`, `manage.py export_feedback`, ..."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mmchat_site.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"mmchat: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
