"""Finding and naming the vertebrae of a whole film."""
