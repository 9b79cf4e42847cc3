"""Writing in time to whoever manages a subscription: before it ends, when it was not paid, and when it is."""
