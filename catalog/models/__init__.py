"""The catalogue's tables. Every query starts from a merchant; every rule that the database can keep, it keeps."""

from catalog.models.jobs import AssetJob, Group, JobEvent, Priority, Status
from catalog.models.merchants import ApiKey, Member, Merchant, Revenue, Role
from catalog.models.products import Photo, PhotoState, Product, View
from catalog.models.requests import IdempotentRequest
from catalog.models.versions import AssetVersion, FileKey, Removal
from catalog.models.workers import StageTotal, Turn, Worker

__all__ = [
    "ApiKey",
    "AssetJob",
    "AssetVersion",
    "FileKey",
    "Group",
    "IdempotentRequest",
    "JobEvent",
    "Member",
    "Merchant",
    "Photo",
    "PhotoState",
    "Priority",
    "Product",
    "Removal",
    "Revenue",
    "Role",
    "StageTotal",
    "Status",
    "Turn",
    "View",
    "Worker",
]
