"""Implementations for every family of the array API standard, by scikit-learn's namespaces.

Where scikit-learn supports such arrays by itself they have its own code run (`_own`); the others are written here.
All of them run with scikit-learn's array API support switched on, see `dispatch_sklearn._context`.
"""
