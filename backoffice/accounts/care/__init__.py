"""Looking after accounts: suspending, lost second factors, idle staff, what is to be looked at."""
