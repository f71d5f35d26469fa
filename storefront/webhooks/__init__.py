"""What Stripe says."""
