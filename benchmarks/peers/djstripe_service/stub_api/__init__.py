"""Answers dj-stripe's calls to Stripe's API from the notification itself."""
