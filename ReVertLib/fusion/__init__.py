"""Two radiographs of one vertebra, fused into one surface."""
