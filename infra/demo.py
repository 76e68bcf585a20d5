"""a sample shop with products, photos and jobs, and how to get in; what `manage.py seed_demo` and `up --demo` do

May be done again at any time: what is there is left alone.
"""

import importlib.util
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser

from catalog.jobs import request_asset
from catalog.merchants import create_merchant, find_api_key, issue_api_key, revoke_api_key
from catalog.models import AssetJob, Merchant, Product, Status
from catalog.photos import add_photo
from catalog.recipe import Recipe

SHOP, SLUG = "Sample shop", "sample-shop"
EMAIL = "owner@sample-shop.example"
KEY_NAME = "demo"
RIGHTS = "Our own sample"
COFFEE_RIGHTS = "CC0, comes with scikit-image"

VIEWS: Mapping[str, str] = {
    "mug": "three-quarter",
    "bottle": "front",
    "carton": "three-quarter",
    "lamp": "three-quarter",
    "chair": "three-quarter",
    "shoe": "left",
}
"""Sample -> the side its one photo is taken from."""


@dataclass(frozen=True)
class Access:
    """How to get in."""

    email: str
    password: str
    api_key: str


@dataclass(frozen=True)
class Sample:
    """A product to sell; sizes in metres by side."""

    sku: str
    title: str
    category: str
    sizes: Mapping[str, float]
    photo: Path
    view: str
    rights: str


class Demo:
    """The sample shop. data: where its login is kept. samples: the photos. address: of the web process."""

    def __init__(self, data: Path, samples: Path, address: str, *, quality: str = "standard") -> None:
        self.data = data
        self.samples = samples
        self.address = address
        self.quality = quality
        self._told: set[int] = set()

    def set_up(self) -> Iterator[str]:
        """Make what is missing; the lines say how to get in. Raises Away."""
        merchant, access = self._open_shop()
        for sample in self._read_samples():
            self._offer(merchant, sample)
        yield f"open    {self.address}/"
        yield f"shop    {self.address}/demo/"
        yield f"log in  {access.email} with the password {access.password}"
        yield f"API     curl -H 'Authorization: Bearer {access.api_key}' {self.address}/api/v1/products"
        yield f"docs    {self.address}/api/v1/docs"
        yield f"{merchant.jobs.filter(ended_at=None).count()} assets are being made"

    def news(self) -> Iterator[str]:
        """A line for each asset that is ready, or will not be; each once."""
        ended = AssetJob.objects.filter(merchant__slug=SLUG).exclude(ended_at=None).exclude(pk__in=self._told)
        for job in ended.select_related("product", "version").order_by("ended_at"):
            self._told.add(job.pk)
            yield self._line(job)

    def _line(self, job: AssetJob) -> str:
        product = job.product
        if job.status == Status.PUBLISHED:
            return f"ready   {product.title}: {self.address}/demo/{product.sku}"
        grade = f", grade {job.version.grade}" if job.version else ""
        return f"{product.title}: {Status(job.status).label}{grade}. {job.advice}".rstrip()

    def _open_shop(self) -> tuple[Merchant, Access]:
        """The merchant, its owner's login and its key. What is kept counts; what is lost is replaced."""
        kept = self._kept()
        user = get_user_model().objects.filter(username=EMAIL).first()
        password = kept.password if kept else secrets.token_urlsafe(12)
        if user is None:
            user = get_user_model().objects.create_user(EMAIL, EMAIL, password)
        elif not kept:
            _change_password(user, password)
        merchant = Merchant.objects.filter(slug=SLUG).first() or create_merchant(SHOP, user)
        api_key = kept.api_key if kept and find_api_key(kept.api_key) else _new_key(merchant)
        access = Access(EMAIL, password, api_key)
        if access != kept:
            self._keep(access)
        return merchant, access

    def _offer(self, merchant: Merchant, sample: Sample) -> None:
        """The product with its photo, and a job if it has neither asset nor a job that may still make one."""
        product = merchant.products.filter(sku=sample.sku).first()
        if product is None:
            facts = {"title": sample.title, "category": sample.category, **sample.sizes}
            product = Product.objects.create(merchant=merchant, sku=sample.sku, **facts)
        if not product.photos.exists():
            with sample.photo.open("rb") as data:
                add_photo(product, name=sample.photo.name, data=data, view=sample.view, rights=sample.rights)
        if product.versions.exists() or product.jobs.exclude(status__in=[Status.FAILED, Status.CANCELLED]).exists():
            return
        request_asset(product, Recipe(quality=self.quality, auto_publish=True))

    def _read_samples(self) -> Iterator[Sample]:
        products = json.loads((self.samples / "products.json").read_text())
        for name, view in VIEWS.items():
            facts = products[name]
            sizes = {side: facts[f"{side}_mm"] / 1000 for side in ("width", "height", "depth")}
            photo = self.samples / name / f"{view}.jpg"
            yield Sample(name, facts["title"], facts["category"], sizes, photo, view, RIGHTS)
        if coffee := _coffee():
            yield Sample("coffee", "Coffee cup", "", {}, coffee, "", COFFEE_RIGHTS)

    @property
    def _path(self) -> Path:
        return self.data / "demo-login.json"

    def _kept(self) -> Access | None:
        try:
            return Access(**json.loads(self._path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _keep(self, access: Access) -> None:
        new = self._path.with_suffix(".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(access), file)
        new.replace(self._path)


def _change_password(user: AbstractBaseUser, password: str) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])


def _new_key(merchant: Merchant) -> str:
    """A key that may write; earlier ones of the demo end, because nobody knows them any more."""
    for key in merchant.api_keys.filter(name=KEY_NAME, revoked_at=None):
        revoke_api_key(key)
    return issue_api_key(merchant, KEY_NAME, may_write=True)[1]


def _coffee() -> Path | None:
    """scikit-image's photo of a coffee cup, where that package is; it is found without being loaded."""
    spec = importlib.util.find_spec("skimage")
    for place in spec.submodule_search_locations or () if spec else ():
        if (photo := Path(place) / "data" / "coffee.png").exists():
            return photo
    return None
