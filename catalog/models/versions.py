"""A finished asset: immutable once written."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from catalog.models.ids import comment_id, version_id
from catalog.models.jobs import AssetJob, Kind
from catalog.models.products import Product


class AssetVersion(models.Model):
    """One finished asset of a product; never changes, only `published_at` is filled in once.

    number: 1, 2, 3 ... within the product. files: list of {name, key, bytes, sha256, content_type}; keys lie in the
    private store. bytes: of all of them. public_files: the same names with their keys in the public prefix, once
    published.
    origin: what it was made from; parent: the version that an edit started from; edits: what it changed.
    dimensions: {width, height, depth} in metres. metrics, certificate: as the pipeline reported them.
    """

    public_id = models.CharField(max_length=24, unique=True, default=version_id, editable=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    origin = models.CharField(max_length=8, choices=Kind, default=Kind.MAKE)
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="edited")
    edits = models.JSONField(default=dict, blank=True)
    files = models.JSONField()
    bytes = models.PositiveBigIntegerField(default=0)
    public_files = models.JSONField(default=list)
    dimensions = models.JSONField()
    metrics = models.JSONField()
    certificate = models.JSONField()
    grade = models.CharField(max_length=1)
    generator = models.CharField(max_length=40)
    licence = models.JSONField()
    alt_text = models.CharField(max_length=250)
    cpu_seconds = models.FloatField()
    gpu_seconds = models.FloatField()
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "number"], name="version_number_once_per_product"),
            models.CheckConstraint(condition=Q(grade__in=["A", "B", "C"]), name="version_grade_known"),
            models.CheckConstraint(condition=Q(origin__in=Kind.values), name="version_origin_known"),
        ]
        indexes = [models.Index(fields=["product", "-number"], name="version_list")]

    def __str__(self) -> str:
        return f"{self.product.sku} v{self.number}"


class FileKey(models.Model):
    """A key that a file of a version has, or gets once published: tells by one index lookup whether a file is in use.

    Keys are content-addressed, so two products of a merchant may share a file. job: instead of the version, as long as
    a job that is active has made the files and not yet written the version.
    """

    version = models.ForeignKey(AssetVersion, on_delete=models.CASCADE, null=True, related_name="keys")
    job = models.ForeignKey(AssetJob, on_delete=models.CASCADE, null=True, related_name="keys")
    key = models.CharField(max_length=300, db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(version__isnull=True, job__isnull=False) | Q(version__isnull=False, job__isnull=True),
                name="file_key_of_version_or_job",
            )
        ]

    def __str__(self) -> str:
        return self.key


class Removal(models.Model):
    """Objects of rows that are gone, still to be deleted from the store.

    key: one object; a whole prefix when it ends with "/". due_at: not before then; who removes moves it on first.
    """

    key = models.CharField(max_length=300, db_index=True)
    due_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class Comment(models.Model):
    """What somebody of the shop said about a version."""

    public_id = models.CharField(max_length=24, unique=True, default=comment_id, editable=False)
    version = models.ForeignKey(AssetVersion, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    text = models.CharField(max_length=2000)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="comment_says_something")]

    def __str__(self) -> str:
        return self.text[:60]


class Happening(models.TextChoices):
    """What shoppers do with an asset in a shop's page."""

    VIEW = "view", "seen"
    LOAD = "load", "model opened"
    INTERACT = "interact", "turned"
    AR_START = "ar_start", "placed in a room"
    AR_TAP = "ar_tap", "tapped the shop's call in AR"
    ADD_TO_CART = "add_to_cart", "put in the cart"


class HappeningCount(models.Model):
    """How often shoppers did something with a version on one day (UTC): a count, and nothing about anybody."""

    version = models.ForeignKey(AssetVersion, on_delete=models.CASCADE, related_name="happenings")
    day = models.DateField(db_index=True)
    happening = models.CharField(max_length=12, choices=Happening)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "day", "happening"], name="happening_counted_once"),
            models.CheckConstraint(condition=Q(happening__in=Happening.values), name="happening_known"),
        ]

    def __str__(self) -> str:
        return f"{self.happening} {self.day}: {self.count}"
