"""That a school pays no sales tax: its certificate, until when it holds, and Stripe told of both."""
