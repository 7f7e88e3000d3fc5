"""For all tests: pytest's own fixture for running pytest, which only a conftest at the top may ask for."""

pytest_plugins = ["pytester"]
