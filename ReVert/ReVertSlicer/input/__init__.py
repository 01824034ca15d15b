"""What the user gave: the radiograph, its geometry, the vertebrae that are marked."""
