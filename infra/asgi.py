"""The ASGI entry point."""

import os
from typing import cast

from asgiref.typing import ASGI3Application
from django.conf import settings
from django.core.asgi import get_asgi_application

from catalog.storage import storage
from infra.bodies import limit_bodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infra.settings")

FORM_BYTES = 1_000_000
"""What a form has beside its file."""

application = limit_bodies(cast(ASGI3Application, get_asgi_application()), settings.MAX_PHOTO_BYTES + FORM_BYTES)

storage()  # importing boto3 takes a second, which the first shopper should not wait for
