"""Implementations of scikit-image's functions for every family of arrays, a module for each of its namespaces.

Written against the array API standard and over dispatching ``scipy.ndimage`` calls. What must stay true: arrays
stay on their device, nothing is read on the host that isn't a parameter, gradients flow where the mathematics is
differentiable, and results have the dtype that scikit-image gives for the same input.
"""
