from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_catalog")]

    operations = [
        migrations.AddField(
            model_name="photo",
            name="lease",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="photo",
            name="lease_expires_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="photo",
            name="lost_leases",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="photo",
            name="released_at",
            field=models.DateTimeField(null=True),
        ),
    ]
