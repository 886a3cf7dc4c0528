"""Each safety rule's guard, the way to take it out, and the test that must then fail."""
