"""products and merchants -> gone for good, with everything of theirs in the store

A product's rows go at once, a merchant's step by step (`erase_due`). What they leave in the store is written down in
the same transaction (`Removal`) and removed after it, if need be later by `tidy`: a store that is away holds up nothing
and nothing is forgotten. A key that another row uses stays, so deletion never takes what belongs to somebody else.

Keys are content-addressed, so that a worker may find the file that it is about to store already there while we are
about to remove it. Each side says first what it is going to do, in a transaction of its own, and looks then what the
other one has said:

    we:          take the Removal, commit  ->  does a row use the key?     ->  delete the object  ->  forget the Removal
    the worker:  name the key, commit      ->  is its Removal taken?       ->  is the object there, and whole?
                 (`FileKey`)                   if so, try again later          if not, make it again

Whoever commits second sees what the first has said, on any database that shows committed rows: so either we spare the
object or the worker learns that it goes. No lock is held while the store is asked.
"""

import logging
import time
from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog.checks import Check, anything, lock
from catalog.errors import Away
from catalog.models import AssetJob, AssetVersion, FileKey, Merchant, Photo, Product, Removal
from catalog.storage import CHECKPOINTS, FILES, PHOTOS, PUBLIC, UPLOAD_SECONDS, UPLOADS, storage

log = logging.getLogger(__name__)

PREFIXES = (PHOTOS, UPLOADS, FILES, CHECKPOINTS, PUBLIC)
AT_ONCE = 1_000
"""Keys removed at a time: as many as S3 takes in one request."""

TAKEN_SECONDS = 120
"""A Removal is taken for that long, which no request to the store lasts; then another process may take it."""

PREFIXES_AT_ONCE, PREFIX_SECONDS = 10, 4
"""In one go, each for that long: so all have had their turn before TAKEN_SECONDS are over."""

STEPS_AT_ONCE, JOBS_AT_ONCE, PHOTOS_AT_ONCE, PRODUCTS_AT_ONCE = 10, 200, 500, 50
"""Of merchants who are leaving, in one go: each step is a transaction of its own, which others wait for."""

FILES_MISSING = "Some files of this asset have just been removed from the store; they are made once more."


def delete_product(product: Product, *, check: Check = anything) -> None:
    """Delete the product with its photos, jobs, versions and their files. Other products' files stay."""
    with transaction.atomic():
        locked = _lock([product.pk])
        check(locked[0] if locked else None)
        remove_later(_keys_of(locked))
        _erase(locked)


@transaction.atomic
def delete_merchant(merchant: Merchant, *, check: Check = anything) -> None:
    """Have the merchant gone: from now on nobody finds anything of it, and nothing new is made.

    `erase_due` deletes the rows and the files for good; people keep their accounts.
    """
    found = lock(Merchant.objects.filter(pk=merchant.pk, leaving_at=None), check)
    if found is not None:
        found.leaving_at = timezone.now()
        found.save(update_fields=["leaving_at"])


def erase_due() -> int:
    """Delete a bounded part of what merchants have that are leaving; returns how many rows of note.

    First what is under way, of all of them: workers thereby stop. Then products, some of each merchant in turn; at last
    the merchant itself, and after that everything under its prefixes in the store. One whose rows do not go now holds
    up nobody else: what stands in their way is raised at the end.
    """
    leaving = list(Merchant.objects.filter(leaving_at__isnull=False).order_by("leaving_at"))
    steps, erased, troubles = 0, 0, list[Exception]()
    for erase in (_erase_some_work, _erase_some_rows):
        merchants = deque(leaving)
        while merchants and steps < STEPS_AT_ONCE:
            merchant = merchants.popleft()
            try:
                rows = erase(merchant)
            except Exception as trouble:
                log.warning("%s is leaving, but its rows stay for now: %s", merchant, trouble)
                troubles.append(trouble)
                continue
            if rows:
                steps, erased = steps + 1, erased + rows
                merchants.append(merchant)
    if troubles:
        raise troubles[0]
    return erased


def remove_later(keys: Iterable[str]) -> None:
    """After this transaction, as soon as the store allows, remove what lies under `keys` and no row uses."""
    now = timezone.now()
    wanted = sorted({key for key in keys if key})
    rows = Removal.objects.bulk_create((Removal(key=key, due_at=now) for key in wanted), batch_size=500)
    if rows:
        transaction.on_commit(lambda: _remove_now(rows), robust=True)


def spare(keys: Iterable[str]) -> None:
    """Call off the removal of `keys`, which committed rows name by now.

    Raises Away ("files_missing") when one of them is being removed at this moment.
    """
    now = timezone.now()
    with transaction.atomic():
        found = list(Removal.objects.select_for_update().filter(key__in=list(keys)).order_by("id"))
        Removal.objects.filter(pk__in=[row.pk for row in found if row.due_at <= now]).delete()
    if any(row.due_at > now for row in found):
        raise Away("files_missing", FILES_MISSING)


def remove_due() -> int:
    """Remove what is due, a bounded part of it; returns the number of objects. Raises Away."""
    due = Removal.objects.filter(due_at__lte=timezone.now()).order_by("due_at", "id")
    prefixes = due.filter(key__endswith="/")[:PREFIXES_AT_ONCE]
    return _remove(list(due.exclude(key__endswith="/")[:AT_ONCE])) + _remove(list(prefixes))


def used_keys(keys: Iterable[str]) -> set[str]:
    """Those of `keys` that rows name: photos, versions, uploads, checkpoints, and what active jobs have made."""
    wanted = list(keys)
    return {
        *Photo.objects.filter(key__in=wanted).values_list("key", flat=True),
        *FileKey.objects.filter(key__in=wanted, job__ended_at=None).values_list("key", flat=True),
        *AssetJob.objects.exclude(source_key="").filter(source_key__in=wanted).values_list("source_key", flat=True),
        *AssetJob.objects.exclude(prepared_key="")
        .filter(prepared_key__in=wanted)
        .values_list("prepared_key", flat=True),
        *AssetJob.objects.exclude(generated_key="")
        .filter(generated_key__in=wanted)
        .values_list("generated_key", flat=True),
    }


def _keys_of(products: list[Product]) -> set[str]:
    """Every key that rows of these products name."""
    of_jobs = AssetJob.objects.filter(product__in=products)
    own_keys = of_jobs.values_list("prepared_key", "generated_key", "source_key")
    return {
        *Photo.objects.filter(product__in=products).values_list("key", flat=True),
        *FileKey.objects.filter(version__product__in=products).values_list("key", flat=True),
        *FileKey.objects.filter(job__product__in=products).values_list("key", flat=True),
        *(key for keys in own_keys for key in keys),
    }


def _lock(products: Iterable[int]) -> list[Product]:
    """The products, locked until the transaction ends; their jobs first, as workers lock them."""
    wanted = list(products)
    list(AssetJob.objects.select_for_update().filter(product__in=wanted).order_by("pk").values_list("pk"))
    return list(Product.objects.select_for_update().filter(pk__in=wanted).order_by("pk"))


def _erase(products: list[Product]) -> None:
    """Delete the rows: jobs before the versions that they must have."""
    AssetJob.objects.filter(product__in=products).delete()
    AssetVersion.objects.filter(product__in=products).delete()
    Product.objects.filter(pk__in=[product.pk for product in products]).delete()


@transaction.atomic
def _erase_some_work(merchant: Merchant) -> int:
    """Delete the next jobs that have not ended, and photos that are still to be fetched or looked at."""
    active = merchant.jobs.select_for_update().filter(ended_at=None).order_by("pk")
    jobs = list(active.values_list("pk", flat=True)[:JOBS_AT_ONCE])
    AssetJob.objects.filter(pk__in=jobs).delete()
    unseen = Photo.objects.select_for_update().filter(merchant=merchant, queue__isnull=False).order_by("pk")
    photos = list(unseen.values_list("pk", flat=True)[:PHOTOS_AT_ONCE])
    Photo.objects.filter(pk__in=photos).delete()
    return len(jobs) + len(photos)


def _erase_some_rows(merchant: Merchant) -> int:
    """Delete the next products; when there are none, the merchant."""
    return _erase_some_products(merchant) or _erase_merchant(merchant)


@transaction.atomic
def _erase_some_products(merchant: Merchant) -> int:
    """Delete the next products."""
    products = _lock(merchant.products.order_by("id").values_list("pk", flat=True)[:PRODUCTS_AT_ONCE])
    _erase(products)
    return len(products)


@transaction.atomic
def _erase_merchant(merchant: Merchant) -> int:
    """Delete the merchant, and have its prefixes emptied: now, and once more when no task or form can still write."""
    locked = Merchant.objects.select_for_update().filter(pk=merchant.pk).first()
    if locked is None:
        return 0
    _erase(_lock(merchant.products.values_list("pk", flat=True)))  # made by others at the last moment
    now = timezone.now()
    later = now + timedelta(seconds=max(settings.JOB_TIMEOUT_SECONDS, UPLOAD_SECONDS) + 60)
    keys = [f"{prefix}/{merchant.public_id}/" for prefix in PREFIXES]
    Removal.objects.bulk_create(Removal(key=key, due_at=due) for due in (now, later) for key in keys)
    locked.delete()
    return 1


def _remove(rows: list[Removal]) -> int:
    """Remove what these rows ask for; those that are done go. Raises Away: then they stay taken for a while."""
    rows = _take(rows)
    single = [row for row in rows if not row.key.endswith("/")]
    removed = _remove_unused([row.key for row in single])
    Removal.objects.filter(pk__in=[row.pk for row in single]).delete()
    return removed + sum(_remove_prefix(row) for row in rows if row.key.endswith("/"))


@transaction.atomic
def _take(rows: list[Removal]) -> list[Removal]:
    """Those of `rows` that are still to be done and that nobody else does: for TAKEN_SECONDS they are ours."""
    now = timezone.now()
    due = Removal.objects.select_for_update().filter(pk__in=[row.pk for row in rows], due_at__lte=now)
    taken = list(due.order_by("id"))
    until = now + timedelta(seconds=TAKEN_SECONDS)
    Removal.objects.filter(pk__in=[row.pk for row in taken]).update(due_at=until)
    return taken


def _remove_unused(keys: Iterable[str]) -> int:
    """Remove those of `keys` that no row uses; their Removals are taken. Raises Away."""
    wanted = set(keys)
    unused = sorted(wanted - used_keys(wanted))
    if unused:
        storage().delete(unused)
    return len(unused)


def _remove_prefix(row: Removal) -> int:
    """Remove a bounded part of what lies under a merchant's prefix; the row stays until all is gone."""
    listed, removed, end = storage().list(row.key), 0, time.monotonic() + PREFIX_SECONDS
    while keys := list(islice(listed, AT_ONCE)):
        removed += _remove_unused(keys)
        if len(keys) == AT_ONCE and time.monotonic() >= end:
            Removal.objects.filter(pk=row.pk).update(due_at=timezone.now())
            return removed
    row.delete()
    return removed


def _remove_now(rows: list[Removal]) -> None:
    """Try at once; what cannot be removed now, `tidy` removes."""
    try:
        _remove(rows)
    except Away as away:
        log.warning("files to be removed stay for now: %s", away)
