"""What runs: jobs, and the process that does them."""
