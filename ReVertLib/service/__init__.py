"""The work behind messages, in a process of its own."""
