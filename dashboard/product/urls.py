"""URL under a product -> its page, the page's parts, and what its buttons do"""

from django.urls import path

from dashboard.product import facts, history, leaving, live, making, overview, photos

urlpatterns = [
    path("", overview.overview, name="product"),
    path("facts", facts.save, name="product-facts"),
    path("photos", photos.gallery, name="product-photos"),
    path("photos/begin", photos.begin, name="photo-begin"),
    path("photos/address", photos.add_address, name="photo-address"),
    path("photos/settled", photos.settled, name="photos-settled"),
    path("photos/<str:photo_id>/confirm", photos.confirm, name="photo-confirm"),
    path("photos/<str:photo_id>/view", photos.name_view, name="photo-view"),
    path("photos/<str:photo_id>/remove", photos.remove, name="photo-remove"),
    path("make", making.make, name="product-make"),
    path("ready", making.ready, name="product-ready"),
    path("model", live.panel, name="product-model"),
    path("jobs", history.jobs, name="product-jobs"),
    path("jobs/<str:job_id>/events", live.events, name="job-events"),
    path("jobs/<str:job_id>/story", history.story, name="job-story"),
    path("jobs/<str:job_id>/cancel", making.cancel, name="job-cancel"),
    path("jobs/<str:job_id>/retry", making.retry, name="job-retry"),
    path("jobs/<str:job_id>/publish", making.publish, name="job-publish"),
    path("archive", leaving.archive, name="product-archive"),
    path("restore", leaving.restore, name="product-restore"),
    path("delete", leaving.delete, name="product-delete"),
]
