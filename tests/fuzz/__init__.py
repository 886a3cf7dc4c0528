"""Broken, lying and hostile inputs in numbers: no crash, no hang, no growing memory, nobody taken for another."""
