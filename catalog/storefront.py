"""what shops and viewers read of a published asset: one query, nothing but the database asked"""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from catalog.models import Product
from catalog.storage import storage

POSTER = "poster.webp"


def shown_products() -> QuerySet[Product]:
    """Products that have something to show; with their version, and nothing that the manifest does not need."""
    columns = ("number", "public_id", "public_files", "dimensions", "certificate", "grade", "alt_text", "published_at")
    return (
        Product.objects.filter(archived=False, published_version__isnull=False, merchant__leaving_at=None)
        .select_related("published_version")
        .only("public_id", "sku", "title", *(f"published_version__{column}" for column in columns))
    )


def find_by_id(public_id: str) -> Product | None:
    """The product with that id, if it has something to show."""
    return _first(shown_products().filter(public_id=public_id))


def find_by_sku(merchant_slug: str, sku: str) -> Product | None:
    """The merchant's product with that SKU, if it has something to show."""
    return _first(shown_products().filter(merchant__slug=merchant_slug, sku=sku))


def manifest(product: Product) -> dict[str, Any]:
    """Everything that a page needs to show the product; addresses are whole and last for ever."""
    version = product.published_version
    assert version is not None, "only shown products have a manifest"
    store = storage()
    files = {file["name"]: _file(file, store.public_url(file["key"])) for file in version.public_files}
    return {
        "id": product.public_id,
        "sku": product.sku,
        "title": product.title,
        "alt_text": version.alt_text,
        "version": {"id": version.public_id, "number": version.number, "published_at": version.published_at},
        "dimensions": version.dimensions,
        "poster": files[POSTER]["url"] if POSTER in files else None,
        "files": files,
        "certificate": certificate_summary(version.grade, version.certificate),
    }


def public_file_url(product: Product, name: str) -> str | None:
    """The lasting address of a file of what the product shows."""
    assert product.published_version is not None, "only shown products have files"
    keys = {file["name"]: file["key"] for file in product.published_version.public_files}
    return storage().public_url(keys[name]) if name in keys else None


def model_json_ld(product: Product) -> dict[str, Any]:
    """The asset for search engines: schema.org's 3DModel, to be the `subjectOf` of a Product."""
    shown = manifest(product)
    models = [(name, file) for name, file in shown["files"].items() if name.startswith("model.")]
    return {
        "@context": "https://schema.org",
        "@type": "3DModel",
        "name": shown["title"],
        "description": shown["alt_text"],
        "image": shown["poster"],
        "isResizable": False,
        "encoding": [
            {
                "@type": "MediaObject",
                "contentUrl": file["url"],
                "encodingFormat": file["content_type"],
                "contentSize": str(file["bytes"]),
                "sha256": file["sha256"],
            }
            for name, file in models
        ],
    }


def product_json_ld(product: Product) -> dict[str, Any]:
    """The product with its asset for search engines; price and availability are the shop's to add."""
    model = model_json_ld(product)
    sides = product.published_version.dimensions if product.published_version else {}
    return {
        "@context": model.pop("@context"),
        "@type": "Product",
        "name": product.title,
        "sku": product.sku,
        "image": model["image"],
        **{
            side: {"@type": "QuantitativeValue", "value": round(100 * metres, 2), "unitCode": "CMT"}
            for side, metres in sides.items()
        },
        "subjectOf": model,
    }


def certificate_summary(grade: str, certificate: Mapping[str, Any]) -> dict[str, Any]:
    """The grade, why, and what of the texture no photo showed; the whole certificate is the merchant's."""
    return {
        "grade": grade,
        "passed": certificate.get("passed"),
        "reasons": certificate.get("reasons", []),
        "unseen": certificate.get("unseen"),
    }


def _first(products: QuerySet[Product]) -> Product | None:
    """One at most, in whatever order: `first()` would have the database sort."""
    return next(iter(products[:1]), None)


def _file(file: Mapping[str, Any], url: str) -> dict[str, Any]:
    return {"url": url, "bytes": file["bytes"], "sha256": file["sha256"], "content_type": file["content_type"]}
