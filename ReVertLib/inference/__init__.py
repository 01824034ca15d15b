"""From a radiograph to a surface with its verdict."""
