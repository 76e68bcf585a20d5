from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def add_up_bytes(apps: Any, schema_editor: Any) -> None:
    """Fill in the bytes of versions there are already."""
    versions = apps.get_model("catalog", "AssetVersion").objects
    for pk, files in versions.values_list("pk", "files").iterator(chunk_size=500):
        versions.filter(pk=pk).update(bytes=sum(file["bytes"] for file in files))


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_usage")]

    operations = [
        migrations.AddField(
            model_name="assetjob",
            name="edits",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="assetjob",
            name="kind",
            field=models.CharField(
                choices=[("make", "from photos"), ("edit", "from a version"), ("upload", "from an uploaded model")],
                default="make",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="assetjob",
            name="source_key",
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name="assetjob",
            name="source_version",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="edit_jobs",
                to="catalog.assetversion",
            ),
        ),
        migrations.AddField(
            model_name="assetversion",
            name="bytes",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="assetversion",
            name="edits",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="assetversion",
            name="origin",
            field=models.CharField(
                choices=[("make", "from photos"), ("edit", "from a version"), ("upload", "from an uploaded model")],
                default="make",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="assetversion",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="edited",
                to="catalog.assetversion",
            ),
        ),
        migrations.AddIndex(
            model_name="assetjob",
            index=models.Index(
                condition=models.Q(("source_key", ""), _negated=True), fields=["source_key"], name="job_source"
            ),
        ),
        migrations.AddIndex(
            model_name="assetjob",
            index=models.Index(
                condition=models.Q(("source_key", ""), _negated=True), fields=["ended_at"], name="job_models"
            ),
        ),
        migrations.AddConstraint(
            model_name="assetjob",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["make", "edit", "upload"])), name="job_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="assetversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("origin__in", ["make", "edit", "upload"])), name="version_origin_known"
            ),
        ),
        migrations.RunPython(add_up_bytes, migrations.RunPython.noop),
    ]
