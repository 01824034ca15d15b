"""The camera, the frames, and how one image was taken."""
