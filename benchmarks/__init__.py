"""What we promise in speed and memory, measured beside what others use, in one run on one machine."""
