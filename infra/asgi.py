"""The ASGI entry point."""

import os
from typing import cast

from asgiref.typing import ASGI3Application
from django.conf import settings
from django.core.asgi import get_asgi_application

from catalog.sender import sender
from catalog.storage import storage
from infra.bodies import limit_bodies
from infra.lifespan import at_end

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infra.settings")

FORM_BYTES = 1_000_000
"""What a form has beside its file."""

django = at_end(cast(ASGI3Application, get_asgi_application()), lambda: sender().finish())
application = limit_bodies(django, settings.MAX_PHOTO_BYTES + FORM_BYTES)

storage()  # importing boto3 takes a second, which the first shopper should not wait for
