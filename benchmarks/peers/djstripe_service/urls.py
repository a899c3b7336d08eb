"""dj-stripe's own webhook address, and one to ask whether the service is up."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def health(_request: HttpRequest) -> HttpResponse:
    """Answer that the service is up."""
    return HttpResponse("ok")


urlpatterns = [
    path("health", health),
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
]
