"""Triangle surfaces in mm: reading and writing, checking, measuring, drawing."""
