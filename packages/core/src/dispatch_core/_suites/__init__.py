"""Running a library's own test suite on a backend: the pytest plugin's work.

Imported only where ``--dispatch-backend`` is given. Needs pytest, and neither NumPy nor hypothesis.
"""
