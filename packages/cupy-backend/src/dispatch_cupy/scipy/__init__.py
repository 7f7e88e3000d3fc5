"""SciPy's namespaces for CuPy arrays, where cupyx alone isn't enough."""
