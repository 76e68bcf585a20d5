"""botocore's and urllib3's errors -> KeyError, or what the store's owner calls being away"""

from collections.abc import Callable

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

Away = Callable[[str, str], Exception]
"""(code, one sentence) -> the error to raise when time or an operator has to act."""

FOREIGN = (ClientError, BotoCoreError, ResponseParserError, HTTPError)

FULL = {
    "InsufficientStorage",
    "NoSpaceLeft",
    "QuotaExceeded",  # Ceph
    "XMinioAdminBucketQuotaExceeded",
    "XMinioStorageFull",
}
DENIED = {"400", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"}  # a HEAD has no body: its code is the status
DAMAGED = {"BadDigest", "IncompleteBody", "OperationAborted", "RequestTimeout", "XAmzContentSHA256Mismatch"}
NO_KEYS = (
    boto.CredentialRetrievalError,
    boto.LoginError,
    boto.NoAuthTokenError,
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.SSOError,
    boto.TokenRetrievalError,
)
NO_ANSWER = (
    boto.ConnectionError,
    boto.HTTPClientError,
    boto.FlexibleChecksumError,
    boto.IncompleteReadError,
    boto.MetadataRetrievalError,
    ResponseParserError,  # something else than an S3 server answers there
    HTTPError,
)


def explain(error: Exception, key: str, away: Away) -> Exception:
    """What to raise instead of `error`; `error` itself where it is our bug. `key`: what was looked for."""
    if isinstance(error, ClientError):
        return _explain_answer(error, key, away)
    if isinstance(error, NO_KEYS):
        return away("storage_denied", "No key for the file store could be found.")
    if isinstance(error, NO_ANSWER):
        return away("storage_away", "The file store does not answer.")
    return error


def _explain_answer(error: ClientError, key: str, away: Away) -> Exception:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in FULL or status == 507:
        return away("storage_full", "The file store has no room left.")
    if code == "NoSuchBucket":
        return away("storage_away", "The file store has no bucket of that name: run `manage.py setup_storage`.")
    if code == "RequestTimeTooSkewed":
        return away("storage_denied", "The file store's clock and ours differ by too much.")
    if status in {401, 403} or code in DENIED:
        return away("storage_denied", "The file store refuses our key.")
    if code in {"NoSuchKey", "404"} and key:
        return KeyError(key)
    if (status >= 500 and status != 501) or status in {404, 429} or code in DAMAGED:
        return away("storage_away", "The file store answers with an error of its own; it may be full or out of order.")
    return error
