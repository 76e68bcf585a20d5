"""an S3 bucket -> one as we need it: made, public below m/, read by browsers, tidied by itself

Other people's rules in the same bucket stay: ours are told apart by their names.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from assets_pipeline.stores.s3 import S3Store
from catalog.storage import CHECKPOINTS, UPLOADS

NAME = "Plinth"
UNKNOWN = {"NotImplemented", "MethodNotAllowed", "405", "501"}

Rule = Mapping[str, Any]


def set_up_bucket(store: S3Store, *, checkpoint_days: int) -> Iterator[str]:
    """Make and configure the bucket, a line for each step; steps that are done already change nothing.

    A feature that the server does not know is told with what to do instead. Raises `store.away`'s errors.
    """
    yield _make_bucket(store)
    steps: Sequence[tuple[str, Callable[[S3Store], bool], str]] = (
        (f"anyone may read {store.public_prefix}* and nothing else", _open_public_prefix, "serve it by CDN_BASE_URL"),
        ("web pages may read files and send upload forms (CORS)", _allow_browsers, "set CORS headers in a proxy"),
        (
            f"{UPLOADS}/ and parts of broken uploads go after 1 day, {CHECKPOINTS}/ after {checkpoint_days}",
            lambda store: _expire(store, checkpoint_days),
            "delete old objects there by a timer of your own",
        ),
    )
    for what, apply, instead in steps:
        yield _try(store, what, apply, instead)


def _try(store: S3Store, what: str, apply: Callable[[S3Store], bool], instead: str) -> str:
    try:
        with store.translated():
            return f"{'set' if apply(store) else 'found'}: {what}"
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in UNKNOWN:
            raise
        return f"NOT SET, the server does not know how: {what}; {instead}"


def _make_bucket(store: S3Store) -> str:
    client, bucket = store.client(), store.bucket
    options: Any = {"CreateBucketConfiguration": {"LocationConstraint": store.region}}
    with store.translated():
        try:
            client.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "404":
                raise
            client.create_bucket(Bucket=bucket, **(options if store.region != "us-east-1" else {}))
            return f"made: the bucket {bucket}"
    return f"found: the bucket {bucket}"


def _open_public_prefix(store: S3Store) -> bool:
    client, bucket = store.client(), store.bucket
    if not store.endpoint_url:  # Amazon turns every public policy away until it is told otherwise
        client.put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": False,
                "RestrictPublicBuckets": False,
            },
        )
    ours = {
        "Sid": NAME,
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/{store.public_prefix}*",
    }
    before = _existing(lambda: json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"])
    after = _merged(before, [ours], "Sid")
    if after == before:
        return False
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": after}))
    return True


def _allow_browsers(store: S3Store) -> bool:
    """Any shop's page reads published files; who may send a form is settled by its signature, not by its page."""
    client, bucket = store.client(), store.bucket
    ours = {
        "ID": NAME,
        "AllowedOrigins": ["*"],
        "AllowedMethods": ["GET", "HEAD", "POST"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag", "Content-Length", "Content-Range", "Accept-Ranges"],
        "MaxAgeSeconds": 86_400,
    }
    before = _existing(lambda: client.get_bucket_cors(Bucket=bucket)["CORSRules"])
    after: Any = _merged(before, [ours], "ID")
    if after == before:
        return False
    client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": after})
    return True


def _expire(store: S3Store, checkpoint_days: int) -> bool:
    client, bucket = store.client(), store.bucket
    ours = [
        _expiry(UPLOADS, 1),
        _expiry(CHECKPOINTS, checkpoint_days),
        {
            "ID": f"{NAME}-parts",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
    ]
    before = _existing(lambda: client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"])
    after: Any = _merged(before, ours, "ID")
    if after == before:
        return False
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": after})
    return True


def _expiry(prefix: str, days: int) -> Rule:
    return {
        "ID": f"{NAME}-{prefix}",
        "Status": "Enabled",
        "Filter": {"Prefix": f"{prefix}/"},
        "Expiration": {"Days": days},
    }


def _existing(read: Callable[[], Any]) -> Sequence[Rule]:
    try:
        rules: Sequence[Rule] = read()
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
            raise
        return []
    return rules


def _merged(before: Sequence[Rule], ours: Sequence[Rule], name: str) -> Sequence[Rule]:
    """The rules there are, ours replaced where they stand, or at the end."""
    new = {rule[name]: rule for rule in ours}
    kept = [new.pop(rule[name]) if rule.get(name) in new else rule for rule in before]
    return [*kept, *new.values()]
