"""The site's own settings, with everything it writes in a folder that goes after the tests."""

import atexit
import os
import shutil
import tempfile

if "MMCHAT_DATA_DIR" not in os.environ:
    os.environ["MMCHAT_DATA_DIR"] = tempfile.mkdtemp(prefix="mmchat-tests-")
    atexit.register(shutil.rmtree, os.environ["MMCHAT_DATA_DIR"], ignore_errors=True)

from mmchat_site.settings import *  # noqa: F403
from mmchat_site.settings import DATABASES, MMCHAT_DATA_DIR, STORAGES

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: live servers and threads read it too.
    DATABASES["default"]["TEST"] = {"NAME": str(MMCHAT_DATA_DIR / "test.sqlite3")}
else:
    # Tests drop their database, which waits for every connection; a pool would hold some open.
    DATABASES["default"]["OPTIONS"].pop("pool", None)
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# WhiteNoise warns about a folder that is not there, and warnings are errors here.
(MMCHAT_DATA_DIR / "static").mkdir(parents=True, exist_ok=True)
