"""One thing done to many products, and what came of it for each"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from catalog import context
from catalog.deletion import delete_product
from catalog.errors import Away, Conflict, Invalid, LostRace, Refused
from catalog.jobs import request_asset
from catalog.models import Merchant, Priority, Product
from catalog.products import change_product
from catalog.recipe import Recipe
from catalog.versions import publish_version, refuse_unseen

MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Outcome:
    """What came of it for one product; `text` is a sentence either way."""

    product: Product
    done: bool
    text: str


def do_to_products(merchant: Merchant, product_ids: Iterable[str], action: str) -> list[Outcome]:
    """Do one of ACTIONS to each of the merchant's products with these public ids; others are passed over.

    Each stands for itself: one that is refused holds up no other. Raises Invalid for an unknown action or too many.
    """
    if action not in ACTIONS:
        raise Invalid("bad_value", "Choose what to do with the products.", {"action": "is unknown"})
    wanted = list(dict.fromkeys(product_ids))
    if len(wanted) > MOST_AT_ONCE:
        raise Invalid("bad_value", f"Choose at most {MOST_AT_ONCE} products at a time.", {"id": "too many"})
    found = merchant.products.filter(public_id__in=wanted).select_related("published_version", "merchant")
    by_id = {product.public_id: product for product in found}
    return [_outcome(by_id[each], ACTIONS[action]) for each in wanted if each in by_id]


def _outcome(product: Product, act: Callable[[Product], str]) -> Outcome:
    try:
        return Outcome(product, done=True, text=act(product))
    except (Refused, Away) as error:
        return Outcome(product, done=False, text=error.message)
    except LostRace:
        return Outcome(product, done=False, text="Somebody changed it at the same moment.")


def _make(product: Product) -> str:
    request_asset(product, Recipe(), priority=Priority.BULK, request_id=context.request_id.get())
    return "Its model is being made."


def _publish(product: Product) -> str:
    version = product.versions.order_by("-number").first()
    if version is None:
        raise Conflict("not_possible_now", "It has no model yet.")
    if version.pk == product.published_version_id:
        return f"Version {version.number} is published already."
    refuse_unseen(version)
    publish_version(version)
    return f"Version {version.number} is published."


def _archive(product: Product) -> str:
    change_product(product, {"archived": True})
    return "It is archived: nothing of it is shown in your shop."


def _restore(product: Product) -> str:
    change_product(product, {"archived": False})
    return "It is back among your products."


def _delete(product: Product) -> str:
    delete_product(product)
    return "It is deleted, with its photos and models."


ACTIONS: Mapping[str, Callable[[Product], str]] = {
    "make": _make,
    "publish": _publish,
    "archive": _archive,
    "restore": _restore,
    "delete": _delete,
}
