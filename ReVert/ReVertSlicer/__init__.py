"""The parts of the module that know Slicer."""
