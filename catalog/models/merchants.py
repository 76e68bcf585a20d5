"""Who sells: merchants, the people who act for them, and the keys of their programs."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from catalog.models.ids import api_key_id, invitation_id, merchant_id


class Revenue(models.TextChoices):
    """Yearly revenue in US dollars: some generators' licences end at a figure."""

    UNKNOWN = "unknown", "not stated"
    UNDER_1M = "under_1m", "under 1 million"
    UNDER_20M = "under_20m", "1 to 20 million"
    OVER_20M = "over_20m", "20 million or more"


class Role(models.TextChoices):
    """What a person may do: viewers read, editors also write, owners also decide about people, keys and deletion."""

    OWNER = "owner", "owner"
    EDITOR = "editor", "editor"
    VIEWER = "viewer", "viewer"


class Merchant(models.Model):
    """A shop. `slug` is its name in storefront addresses; `country` is ISO 3166-1 alpha-2, empty where not stated.

    leaving_at: since when it counts as gone for everybody, while it is still being erased.
    """

    public_id = models.CharField(max_length=24, unique=True, default=merchant_id, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    country = models.CharField(max_length=2, blank=True, validators=[RegexValidator(r"^[A-Z]{2}$")])
    revenue = models.CharField(max_length=10, choices=Revenue, default=Revenue.UNKNOWN)
    created_at = models.DateTimeField(auto_now_add=True)
    leaving_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes = [models.Index(fields=["leaving_at"], condition=Q(leaving_at__isnull=False), name="merchant_leaving")]

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A person who acts for a merchant."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "user"], name="member_once_per_merchant"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="member_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class ApiKey(models.Model):
    """A program's way in. Only the hash is kept; `prefix` is shown so that people tell keys apart.

    sha256: of the whole key, hex; the key has 160 random bits, so a plain hash cannot be searched. may_write: whether
    it may change things beside reading them.
    """

    public_id = models.CharField(max_length=24, unique=True, default=api_key_id, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12)
    sha256 = models.CharField(max_length=64, unique=True)
    may_write = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Invitation(models.Model):
    """A way into a shop for somebody who is not a member yet; open until it is accepted, withdrawn or expires.

    sha256: of the token in the address that the owner hands on, hex; the token itself is kept nowhere. email: whom the
    owner means, shown to owners alone.
    """

    public_id = models.CharField(max_length=24, unique=True, default=invitation_id, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role)
    sha256 = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "email"],
                condition=Q(accepted_at__isnull=True, withdrawn_at__isnull=True),
                name="invitation_one_open_per_person",
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.role})"
