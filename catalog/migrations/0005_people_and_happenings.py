import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import catalog.models.ids


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_edits_and_uploads"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Comment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(default=catalog.models.ids.comment_id, editable=False, max_length=24, unique=True),
                ),
                ("text", models.CharField(max_length=2000)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="comments", to="catalog.assetversion"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="HappeningCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(db_index=True)),
                (
                    "happening",
                    models.CharField(
                        choices=[
                            ("view", "seen"),
                            ("load", "model opened"),
                            ("interact", "turned"),
                            ("ar_start", "placed in a room"),
                            ("ar_tap", "tapped the shop's call in AR"),
                            ("add_to_cart", "put in the cart"),
                        ],
                        max_length=12,
                    ),
                ),
                ("count", models.PositiveBigIntegerField(default=0)),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="happenings",
                        to="catalog.assetversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(
                        default=catalog.models.ids.invitation_id, editable=False, max_length=24, unique=True
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "owner"), ("editor", "editor"), ("viewer", "viewer")], max_length=10
                    ),
                ),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("accepted_at", models.DateTimeField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="invitations", to="catalog.merchant"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="comment",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="comment_says_something"
            ),
        ),
        migrations.AddConstraint(
            model_name="happeningcount",
            constraint=models.UniqueConstraint(fields=("version", "day", "happening"), name="happening_counted_once"),
        ),
        migrations.AddConstraint(
            model_name="happeningcount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("happening__in", ["view", "load", "interact", "ar_start", "ar_tap", "add_to_cart"])
                ),
                name="happening_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("accepted_at__isnull", True), ("withdrawn_at__isnull", True)),
                fields=("merchant", "email"),
                name="invitation_one_open_per_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["owner", "editor", "viewer"])), name="invitation_role_known"
            ),
        ),
    ]
