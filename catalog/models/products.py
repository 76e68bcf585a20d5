"""What is sold, and the photos of it."""

from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models import Case, Q, Value, When

from catalog.models.ids import photo_id, product_id
from catalog.models.merchants import Merchant

SMALLEST_M, LARGEST_M = 0.001, 50.0
"""Sides of a product in metres that are no slip of the unit."""


class View(models.TextChoices):
    """The side of the product that a photo shows; `right` is seen from +X, `left` from -X."""

    FRONT = "front", "front"
    BACK = "back", "back"
    LEFT = "left", "left"
    RIGHT = "right", "right"
    TOP = "top", "top"
    BOTTOM = "bottom", "bottom"
    THREE_QUARTER = "three-quarter", "three-quarter"


class PhotoState(models.TextChoices):
    """A photo's life: awaited (from the browser or from an address), checked by a worker, then ready or rejected."""

    AWAITED = "awaited", "not here yet"
    CHECKING = "checking", "being looked at"
    READY = "ready", "ready"
    REJECTED = "rejected", "will not do"


class Product(models.Model):
    """One thing for sale. Dimensions in metres, of the bounding box, each optional.

    published_version: what the storefront shows; moving it is what publishing means. revision: grows with every change
    and makes the ETag. tags: list of strings. external_id: what the connected shop calls the product.
    """

    public_id = models.CharField(max_length=24, unique=True, default=product_id, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="products")
    sku = models.CharField(max_length=80, validators=[MinLengthValidator(1)])
    title = models.CharField(max_length=200)
    category = models.CharField(max_length=80, blank=True)
    width = models.FloatField(null=True, blank=True)
    height = models.FloatField(null=True, blank=True)
    depth = models.FloatField(null=True, blank=True)
    tags = models.JSONField(default=list, blank=True)
    external_id = models.CharField(max_length=120, blank=True)
    archived = models.BooleanField(default=False)
    published_version = models.ForeignKey(
        "catalog.AssetVersion", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "sku"], name="product_sku_once_per_merchant"),
            models.UniqueConstraint(
                fields=["merchant", "external_id"], condition=~Q(external_id=""), name="product_external_id_once"
            ),
            models.CheckConstraint(condition=~Q(sku="") & ~Q(title=""), name="product_has_sku_and_title"),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{side}__isnull": True})
                    | Q(**{f"{side}__gte": SMALLEST_M, f"{side}__lte": LARGEST_M}),
                    name=f"product_{side}_plausible",
                )
                for side in ("width", "height", "depth")
            ),
        ]
        indexes = [models.Index(fields=["merchant", "archived", "-id"], name="product_list")]

    def __str__(self) -> str:
        return f"{self.sku} {self.title}"


class Photo(models.Model):
    """A photo of a product.

    key: where its bytes lie in the private store. sha256, bytes, width, height: filled in once it has been looked at
    (sha256 and bytes at once where we received it ourselves). advice: list of {code, text, level, boxes}, where
    boxes is a list of {left, top, width, height} as shares of the photo. rights: what the merchant stated about their
    right to use the photo. source_url: where a worker fetches it from, if anywhere.

    merchant: the product's, kept here too so that turns stay one index lookup. queue: where the task goes that comes
    next, looking at it or fetching it; None: there is none. The database itself works it out.
    released_at: when a worker was last sent for it; None: waits its turn. retry_at: not before then; attempts: those
    that ended in something being away. `worker` fetches it or looks at it and holds `lease` until `lease_expires_at`.
    lost_leases: workers that gave no sign of life, or whose process died, while they held it.
    """

    public_id = models.CharField(max_length=24, unique=True, default=photo_id, editable=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="photos")
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="photos")
    name = models.CharField(max_length=200)
    view = models.CharField(max_length=13, choices=View, blank=True)
    state = models.CharField(max_length=8, choices=PhotoState, default=PhotoState.CHECKING)
    key = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64, blank=True)
    bytes = models.PositiveBigIntegerField(null=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    content_type = models.CharField(max_length=60, blank=True)
    advice = models.JSONField(default=list)
    reject_code = models.CharField(max_length=60, blank=True)
    rights = models.CharField(max_length=200, blank=True)
    source_url = models.CharField(max_length=2000, blank=True)
    queue = models.GeneratedField(
        expression=Case(
            When(state=PhotoState.CHECKING, then=Value("cpu")),
            When(Q(state=PhotoState.AWAITED) & ~Q(source_url=""), then=Value("io")),
            default=None,
        ),
        output_field=models.CharField(max_length=12, null=True),
        db_persist=True,
    )
    released_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=120, blank=True)
    lost_leases = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["product", "sha256"], condition=~Q(sha256=""), name="photo_once_per_product"
            ),
            models.CheckConstraint(condition=Q(state__in=PhotoState.values), name="photo_state_known"),
            models.CheckConstraint(
                condition=Q(state=PhotoState.REJECTED) | Q(reject_code=""), name="photo_reject_code_if_rejected"
            ),
            models.CheckConstraint(
                condition=Q(lease__isnull=True, lease_expires_at__isnull=True)
                | Q(lease__isnull=False, lease_expires_at__isnull=False),
                name="photo_lease_whole",
            ),
        ]
        # The conditions ask for nulls alone: SQLite uses such an index where a query asks for the same, see AssetJob.
        indexes = [
            models.Index(fields=["product", "id"], name="photo_list"),
            models.Index(fields=["key"], name="photo_by_key"),
            models.Index(
                fields=["queue", "merchant", "id"],
                condition=Q(queue__isnull=False, released_at__isnull=True, retry_at__isnull=True),
                name="photo_waiting",
            ),
            models.Index(
                fields=["queue", "released_at"],
                condition=Q(queue__isnull=False, released_at__isnull=False),
                name="photo_released",
            ),
            models.Index(fields=["retry_at"], condition=Q(retry_at__isnull=False), name="photo_retry"),
            models.Index(fields=["lease_expires_at"], condition=Q(lease__isnull=False), name="photo_held"),
            models.Index(
                fields=["state", "created_at"],
                condition=Q(queue__isnull=True, width__isnull=True),
                name="photo_unconfirmed",
            ),
        ]

    def __str__(self) -> str:
        return self.name
