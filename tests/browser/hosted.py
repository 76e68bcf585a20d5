"""The real settings with a folder of static files of their own, named in HOSTED_STATIC: for web processes of tests"""

import os
from pathlib import Path

from infra.settings import *  # noqa: F403

STATIC_ROOT = Path(os.environ["HOSTED_STATIC"])
