"""Reports of a read X-ray, for people and for other systems."""
