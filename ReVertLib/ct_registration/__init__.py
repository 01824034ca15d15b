"""2D/3D registration: the vertebrae of a CT laid into the beam of a radiograph, each as a rigid piece."""
