"""a number of products -> a catalogue of that many, each published and with an ended job; prints one of each as JSON"""

import json
import os
import sys

import django

BATCH = 5_000
GLB = {"bytes": 400_000, "sha256": "0" * 64, "content_type": "model/gltf-binary"}


def main(products: int) -> None:
    """Fill the database of the environment."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infra.settings")
    django.setup()
    from django.contrib.auth.models import User
    from django.utils import timezone

    from catalog.merchants import create_merchant, issue_api_key
    from catalog.models import AssetJob, AssetVersion, Merchant, Product

    merchant = Merchant.objects.first()
    if merchant is None:
        merchant = create_merchant("Bench shop", User.objects.create_user("bench"))
    _, key = issue_api_key(merchant, "bench", may_write=True)
    files = [{"name": "model.glb", "key": f"m/{merchant.public_id}/{GLB['sha256']}/model.glb", **GLB}]
    for first in range(0, products, BATCH):
        numbers = range(first, min(first + BATCH, products))
        made = Product.objects.bulk_create(
            Product(merchant=merchant, sku=f"SKU-{n:06}", title=f"Product {n}", category="mug") for n in numbers
        )
        versions = AssetVersion.objects.bulk_create(
            AssetVersion(
                product=product,
                number=1,
                files=files,
                public_files=files,
                dimensions={"width": 0.1, "height": 0.1, "depth": 0.1},
                metrics={},
                certificate={"grade": "B"},
                grade="B",
                generator="primitive",
                licence={},
                alt_text=product.title,
                cpu_seconds=9,
                gpu_seconds=0,
            )
            for product in made
        )
        for product, version in zip(made, versions, strict=True):
            product.published_version = version
        Product.objects.bulk_update(made, ["published_version"], batch_size=500)
        AssetJob.objects.bulk_create(
            AssetJob(product=p, merchant=merchant, recipe={}, status="published", version=v, ended_at=timezone.now())
            for p, v in zip(made, versions, strict=True)
        )
    middle = Product.objects.filter(sku=f"SKU-{products // 2:06}").first()
    job = AssetJob.objects.filter(product=middle).first()
    print(
        json.dumps(
            {
                "key": key,
                "product": middle.public_id if middle else "",
                "job": job.public_id if job else "",
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
