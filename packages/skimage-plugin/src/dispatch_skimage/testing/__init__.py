"""How calls of scikit-image's functions are drawn for the conformance kit, a module for each namespace."""
