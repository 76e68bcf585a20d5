"""Who works: each worker process and what it can run, and the seconds that stages took in all."""

from django.db import models


class Worker(models.Model):
    """A worker process as it advertised itself; live while `last_seen_at` is recent.

    queues: list of queue names it reads. generators: list of GeneratorSpecs as JSON, with `runs_here` and `why_not`.
    profiles, qualities: names that recipes may use. slots: tasks it runs at a time.
    """

    name = models.CharField(max_length=120, unique=True)
    queues = models.JSONField(default=list)
    generators = models.JSONField(default=list)
    profiles = models.JSONField(default=list)
    qualities = models.JSONField(default=list)
    slots = models.PositiveSmallIntegerField(default=1)
    started_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.name


class StageTotal(models.Model):
    """How often a stage ran and the seconds it took in all: grows only, so that it serves as a metric's counter.

    Beside the stages there is a row for each group at each quality, such as `finish/draft`, to estimate from.
    """

    stage = models.CharField(max_length=20, unique=True)
    count = models.PositiveBigIntegerField(default=0)
    seconds = models.FloatField(default=0)

    def __str__(self) -> str:
        return f"{self.stage}: {self.count}"


class Turn(models.Model):
    """Whose turn it was last: the merchant of the job that the dispatcher released last.

    There is one for each queue, priority and status of jobs that wait: queued ones start, running ones go on. All
    photos have one together: no queue, status "photo". Whoever releases jobs or photos locks these rows first.
    """

    queue = models.CharField(max_length=12)
    priority = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=12)
    merchant_id = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["queue", "priority", "status"], name="turn_once")]

    def __str__(self) -> str:
        return f"{self.queue} {self.priority} {self.status}: {self.merchant_id}"
