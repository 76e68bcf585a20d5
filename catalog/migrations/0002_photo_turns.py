from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Case, OuterRef, Q, Subquery, Value, When
from django.db.models.deletion import CASCADE
from django.utils import timezone


def fill_in_merchants(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Each photo's merchant is its product's."""
    products = apps.get_model("catalog", "Product").objects.filter(pk=OuterRef("product_id"))
    apps.get_model("catalog", "Photo").objects.update(merchant=Subquery(products.values("merchant_id")[:1]))


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_catalog")]

    operations = [
        migrations.AddField(
            model_name="assetjob",
            name="waiting_since",
            field=models.DateTimeField(default=timezone.now),
        ),
        migrations.AddIndex(
            model_name="assetjob",
            index=models.Index(
                condition=Q(("ended_at__isnull", True), ("lease__isnull", True)),
                fields=["group", "waiting_since"],
                name="job_waiting_since",
            ),
        ),
        migrations.AddField(
            model_name="photo",
            name="merchant",
            field=models.ForeignKey(  # no constraint yet: PostgreSQL would alter no table whose rows wait to be checked
                db_constraint=False, null=True, on_delete=CASCADE, related_name="photos", to="catalog.merchant"
            ),
        ),
        migrations.RunPython(fill_in_merchants, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name="photo",
            name="merchant",
            field=models.ForeignKey(on_delete=CASCADE, related_name="photos", to="catalog.merchant"),
        ),
        migrations.AddField(
            model_name="photo",
            name="queue",
            field=models.GeneratedField(
                db_persist=True,
                expression=Case(
                    When(state="checking", then=Value("cpu")),
                    When(Q(("state", "awaited"), Q(("source_url", ""), _negated=True)), then=Value("io")),
                    default=None,
                ),
                output_field=models.CharField(max_length=12, null=True),
            ),
        ),
        migrations.AddField(model_name="photo", name="released_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="photo", name="retry_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="photo", name="attempts", field=models.PositiveSmallIntegerField(default=0)),
        migrations.AddField(model_name="photo", name="lease", field=models.UUIDField(null=True)),
        migrations.AddField(model_name="photo", name="lease_expires_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="photo", name="worker", field=models.CharField(blank=True, max_length=120)),
        migrations.AddField(model_name="photo", name="lost_leases", field=models.PositiveSmallIntegerField(default=0)),
        migrations.AddConstraint(
            model_name="photo",
            constraint=models.CheckConstraint(
                condition=Q(("lease__isnull", True), ("lease_expires_at__isnull", True))
                | Q(("lease__isnull", False), ("lease_expires_at__isnull", False)),
                name="photo_lease_whole",
            ),
        ),
        migrations.RemoveIndex(model_name="photo", name="photo_unsettled"),
        migrations.AddIndex(
            model_name="photo",
            index=models.Index(
                condition=Q(("queue__isnull", True), ("width__isnull", True)),
                fields=["state", "created_at"],
                name="photo_unconfirmed",
            ),
        ),
        migrations.AddIndex(
            model_name="photo",
            index=models.Index(
                condition=Q(("queue__isnull", False), ("released_at__isnull", True), ("retry_at__isnull", True)),
                fields=["queue", "merchant", "id"],
                name="photo_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="photo",
            index=models.Index(
                condition=Q(("queue__isnull", False), ("released_at__isnull", False)),
                fields=["queue", "released_at"],
                name="photo_released",
            ),
        ),
        migrations.AddIndex(
            model_name="photo",
            index=models.Index(condition=Q(("retry_at__isnull", False)), fields=["retry_at"], name="photo_retry"),
        ),
        migrations.AddIndex(
            model_name="photo",
            index=models.Index(condition=Q(("lease__isnull", False)), fields=["lease_expires_at"], name="photo_held"),
        ),
    ]
