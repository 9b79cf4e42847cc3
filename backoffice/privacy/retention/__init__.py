"""How long each kind of data is kept: the policy that people read is what the program goes by."""
