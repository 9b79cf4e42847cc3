"""The host of the plugins: which are switched on, how they are set, and what each adds."""
