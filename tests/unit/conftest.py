"""Properties here are about results; how long one takes depends on the neighbours."""

from hypothesis import settings

settings.register_profile("storefront", deadline=None)
settings.load_profile("storefront")
