"""Bundles with which a service grades, and what they run there."""

from octlessons.grading.integrations.bundles import SERVICES, Bundle, make_bundle

__all__ = ["SERVICES", "Bundle", "make_bundle"]
