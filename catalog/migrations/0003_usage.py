import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_photo_turns")]

    operations = [
        migrations.CreateModel(
            name="UsageDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("generator", models.CharField(blank=True, max_length=40)),
                ("ended_as", models.CharField(blank=True, max_length=12)),
                ("ended", models.PositiveIntegerField(default=0)),
                ("versions", models.PositiveIntegerField(default=0)),
                ("cpu_seconds", models.FloatField(default=0)),
                ("gpu_seconds", models.FloatField(default=0)),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="usage_days", to="catalog.merchant"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="usageday",
            constraint=models.UniqueConstraint(
                fields=("merchant", "day", "generator", "ended_as"), name="usage_once_per_day"
            ),
        ),
        migrations.AddField(
            model_name="merchant",
            name="leaving_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="merchant",
            index=models.Index(
                condition=models.Q(("leaving_at__isnull", False)), fields=["leaving_at"], name="merchant_leaving"
            ),
        ),
        migrations.AlterField(
            model_name="removal",
            name="key",
            field=models.CharField(db_index=True, max_length=300),
        ),
        migrations.AlterField(
            model_name="filekey",
            name="version",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="keys",
                to="catalog.assetversion",
            ),
        ),
        migrations.AddField(
            model_name="filekey",
            name="job",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="keys", to="catalog.assetjob"
            ),
        ),
        migrations.AddConstraint(
            model_name="filekey",
            constraint=models.CheckConstraint(
                condition=models.Q(("job__isnull", False), ("version__isnull", True))
                | models.Q(("job__isnull", True), ("version__isnull", False)),
                name="file_key_of_version_or_job",
            ),
        ),
    ]
