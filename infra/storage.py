"""settings -> the object store, and the bucket as we need it"""

from django.conf import settings

from assets_pipeline.stores.s3 import S3Store
from catalog.errors import Away
from catalog.storage import PUBLIC, Storage
from infra.env import Env


def open_storage() -> Storage:
    """The store of the settings; connects on first use. For catalog: its `STORAGE_FACTORY`."""
    return make_store(settings.ENV)


def make_store(env: Env) -> S3Store:
    """The S3 store of that environment."""
    return S3Store(
        bucket=env.s3_bucket,
        region=env.s3_region,
        endpoint_url=env.s3_endpoint_url,
        browser_url=env.s3_public_url,
        access_key=env.s3_access_key_id.reveal(),
        secret_key=env.s3_secret_access_key.reveal(),
        public_base_url=env.cdn_base_url,
        public_prefix=f"{PUBLIC}/",
        away=Away,
    )
