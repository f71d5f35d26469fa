"""The money door: the only package that knows Stripe."""
