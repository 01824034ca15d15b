"""The `revert` command: `main` parses and reports, and every sub-command is the file of its name."""
