"""The `revert` command."""
