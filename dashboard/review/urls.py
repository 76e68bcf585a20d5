"""URL under a product -> its versions' pages, their parts and files, and what their buttons do"""

from django.urls import path

from dashboard.review import commenting, deciding, editing, files, history, overview, progress, uploading

urlpatterns = [
    path("versions/upload", uploading.choose, name="version-upload"),
    path("versions/upload/begin", uploading.begin, name="upload-begin"),
    path("versions/upload/<str:upload_id>/confirm", uploading.confirm, name="upload-confirm"),
    path("versions/making/<str:job_id>", progress.making, name="version-making"),
    path("versions/<str:version_id>/", overview.overview, name="version"),
    path("versions/<str:version_id>/files/<str:name>", files.shown_file, name="version-file"),
    path("versions/<str:version_id>/downloads/<str:name>", files.download, name="version-download"),
    path("versions/<str:version_id>/compare/<str:other_id>", history.compare, name="versions-compare"),
    path("versions/<str:version_id>/publish", deciding.publish, name="version-publish"),
    path("versions/<str:version_id>/take-out", deciding.take_out, name="version-take-out"),
    path("versions/<str:version_id>/go-back", deciding.go_back, name="version-go-back"),
    path("versions/<str:version_id>/turn-down", deciding.turn_down, name="version-turn-down"),
    path("versions/<str:version_id>/edit", editing.save_edit, name="version-edit"),
    path("versions/<str:version_id>/comments", commenting.add, name="comment-add"),
    path("versions/<str:version_id>/comments/<str:comment_id>/delete", commenting.delete, name="comment-delete"),
]
