"""Comments on a version: everybody of the shop reads them, owners and editors write"""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from catalog.comments import LONGEST, add_comment, comments_on, delete_comment, may_delete
from catalog.errors import Invalid
from catalog.models import AssetVersion, Comment, Product
from dashboard.access import Access, is_fragment, member_page, page


@dataclass(frozen=True)
class CommentRow:
    """A comment, and whether who looks may take it back."""

    comment: Comment
    author: str
    deletable: bool


def comment_rows(version: AssetVersion, access: Access) -> list[CommentRow]:
    """All of them, oldest first."""
    return [
        CommentRow(each, author_of(each), may_delete(each, access.user, access.role)) for each in comments_on(version)
    ]


def author_of(comment: Comment) -> str:
    """The name of who wrote it."""
    if comment.author is None:
        return "Somebody who has left"
    return comment.author.get_full_name() or comment.author.get_username()


@require_POST
@member_page
def add(request: HttpRequest, access: Access, product_id: str, version_id: str) -> HttpResponse:
    """Say something."""
    product = access.product(product_id)
    version = access.version(product, version_id)
    text = request.POST.get("text", "")
    try:
        add_comment(version, access.user, text)
    except Invalid as refusal:
        if not is_fragment(request):
            raise
        return fragment(request, access, product, version, text=text, refused=refusal.message, status=422)
    return answer(request, access, product, version)


@require_POST
@member_page
def delete(request: HttpRequest, access: Access, product_id: str, version_id: str, comment_id: str) -> HttpResponse:
    """Take one back."""
    product = access.product(product_id)
    version = access.version(product, version_id)
    delete_comment(get_object_or_404(comments_on(version), public_id=comment_id), access.user, access.role)
    return answer(request, access, product, version)


def answer(request: HttpRequest, access: Access, product: Product, version: AssetVersion) -> HttpResponse:
    """The comments anew, alone or with their page."""
    if is_fragment(request):
        return fragment(request, access, product, version)
    address = redirect("dashboard:version", access.merchant.slug, product.public_id, version.public_id)
    address["Location"] += "#comments"
    return address


def fragment(
    request: HttpRequest,
    access: Access,
    product: Product,
    version: AssetVersion,
    *,
    text: str = "",
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    """The comments with the field for another."""
    context = {
        "product": product,
        "version": version,
        "comments": comment_rows(version, access),
        "longest": LONGEST,
        "text": text[: 2 * LONGEST],
        "refused": refused,
    }
    return page(request, access, "dashboard/_comments.html", context, status=status)
