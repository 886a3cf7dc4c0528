"""One module a kind of work. Each has `measure(bench)`, which yields rows of the table; add a file and it is run."""
