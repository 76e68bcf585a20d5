"""The catalogue's tables. Every query starts from a merchant; every rule that the database can keep, it keeps."""

from catalog.models.jobs import AssetJob, Group, JobEvent, Kind, Priority, Status
from catalog.models.merchants import ApiKey, Invitation, Member, Merchant, Revenue, Role
from catalog.models.products import Photo, PhotoState, Product, View
from catalog.models.requests import IdempotentRequest
from catalog.models.usage import UsageDay, count_usage
from catalog.models.versions import AssetVersion, Comment, FileKey, Happening, HappeningCount, Removal
from catalog.models.workers import StageTotal, Turn, Worker

__all__ = [
    "ApiKey",
    "AssetJob",
    "AssetVersion",
    "Comment",
    "FileKey",
    "Group",
    "Happening",
    "HappeningCount",
    "IdempotentRequest",
    "Invitation",
    "JobEvent",
    "Kind",
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
    "UsageDay",
    "View",
    "Worker",
    "count_usage",
]
