"""Trouble between the worker and the chart, and kill -9 in the middle of it."""
