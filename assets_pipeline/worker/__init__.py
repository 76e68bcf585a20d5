"""The dramatiq actors: jobs of the catalogue -> tasks for the child process -> what became of them

    dramatiq assets_pipeline.worker --processes N --threads 1 [--queues cpu gpu io]

The truth about a job lies in its row, and a message is a hint with one id: any message may come twice, late or never.
Whoever claims the job's lease works on it: `shift.py` keeps it alive and says what every kind of trouble means for the
job. The only package inside `assets_pipeline` that knows Django, dramatiq and catalog.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infra.settings")
django.setup()  # before anything below is imported: the catalogue's models exist from here on

from assets_pipeline.worker import actors  # noqa: E402

__all__ = ["actors"]
