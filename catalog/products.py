"""what is sold: made, changed, found"""

from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import BooleanField, Func, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Coalesce

from catalog.checks import Check, anything, lock_there
from catalog.errors import Conflict, Invalid
from catalog.models import AssetJob, Merchant, Product

FACTS: Final[Mapping[str, Any]] = {
    "title": "",
    "category": "",
    "width": None,
    "height": None,
    "depth": None,
    "tags": (),
    "external_id": "",
    "archived": False,
}
"""What a merchant may say of a product beside its SKU, and what counts where nothing is said."""

NO_JOB = "none"
"""Stands for the state of the latest job where there is no job."""


def create_product(merchant: Merchant, values: Mapping[str, Any]) -> Product:
    """A new product. values: sku and FACTS, checked. Raises Conflict ("sku_taken", "external_id_taken")."""
    product = Product(merchant=merchant, **_stored(values))
    try:
        with transaction.atomic():
            product.save()
    except IntegrityError:
        raise _taken(product) from None
    return product


def change_product(product: Product, changes: Mapping[str, Any], *, check: Check = anything) -> Product:
    """Set some of the sku and FACTS, if `check` has nothing against it.

    What is as it was before changes nothing, the revision neither. An archived product keeps its versions but shows
    none. Raises Conflict as `create_product` does, or LostRace.
    """
    with transaction.atomic():
        found = lock_there(Product.objects.filter(pk=product.pk), check)
        values = {name: value for name, value in _stored(changes).items() if getattr(found, name) != value}
        if not values:
            return found
        for name, value in values.items():
            setattr(found, name, value)
        found.revision += 1
        try:
            with transaction.atomic():
                found.save(update_fields=[*values, "revision", "updated_at"])
        except IntegrityError:
            raise _taken(found) from None
    return found


def put_product(
    merchant: Merchant, sku: str, values: Mapping[str, Any], *, check: Check = anything
) -> tuple[Product, bool]:
    """(product, whether it is new): the one with that SKU, with `values` and nothing that they do not say.

    Raises Conflict ("external_id_taken"), Invalid ("sku_differs") or LostRace.
    """
    if values.get("sku", sku) != sku:
        raise Invalid("sku_differs", "The SKU in the body is not the one in the address.", {"sku": "differs"})
    wanted = {**FACTS, **values, "sku": sku}
    product = merchant.products.filter(sku=sku).first()
    if product is not None:
        return change_product(product, wanted, check=check), False
    check(None)
    try:
        return create_product(merchant, wanted), True
    except Conflict as conflict:
        product = merchant.products.filter(sku=sku).first() if conflict.code == "sku_taken" else None
        if product is None:
            raise
        return change_product(product, wanted, check=check), False  # somebody made it at the same moment


def with_archived(products: QuerySet[Product], archived: bool) -> QuerySet[Product]:
    """Those that are archived, or those that are not, newest first by the index `product_list`.

    `archived=False` becomes NOT, for which SQLite has no index. Without `archived` in the order, PostgreSQL walks
    backwards through everybody's products as long as it expects to meet the merchant's soon.
    """
    return products.filter(archived__in=[archived]).order_by("archived", "-pk")


def with_shown_version(products: QuerySet[Product]) -> QuerySet[Product]:
    """With the published version in the same query, but for its large columns."""
    large = ("files", "public_files", "dimensions", "metrics", "certificate", "licence")
    return products.select_related("published_version").defer(*(f"published_version__{name}" for name in large))


def with_tag(products: QuerySet[Product], tag: str) -> QuerySet[Product]:
    """Those of `products` that carry the tag."""
    return products.filter(HasText("tags", Cast(Value(tag), TextField())))


def with_words(products: QuerySet[Product], words: str) -> QuerySet[Product]:
    """Those whose SKU or title has each of the words somewhere, in capitals or not."""
    for word in words.split():
        products = products.filter(Q(sku__icontains=word) | Q(title__icontains=word))
    return products


def with_latest_job(products: QuerySet[Product], status: str) -> QuerySet[Product]:
    """Those whose latest job is in that state; NO_JOB: those that never had one."""
    latest = AssetJob.objects.filter(product=OuterRef("pk")).order_by("-pk").values("status")[:1]
    return products.alias(latest_job=Coalesce(Subquery(latest), Value(NO_JOB))).filter(latest_job=status)


class HasText(Func):
    """Whether a JSON list holds a text."""

    output_field = BooleanField()
    arity = 2

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s))", arg_joiner=" @> to_jsonb(", **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "EXISTS (SELECT 1 FROM json_each(%(expressions)s)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=") WHERE value = ", **context)


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """As the database keeps them; each tag once."""
    return {name: list(dict.fromkeys(value)) if name == "tags" else value for name, value in values.items()}


def _taken(product: Product) -> Conflict:
    others = Product.objects.filter(merchant_id=product.merchant_id).exclude(pk=product.pk or 0)
    if others.filter(sku=product.sku).exists():
        return Conflict("sku_taken", "Another product has this SKU.", {"sku": "is taken"})
    return Conflict("external_id_taken", "Another product has this external id.", {"external_id": "is taken"})
