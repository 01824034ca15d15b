"""The shape library, the template and the shape model built from people."""
