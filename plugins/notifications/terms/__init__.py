"""What contracts ask when something goes wrong, known of districts and schools before it does."""
