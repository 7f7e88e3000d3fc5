"""How calls of SciPy's functions are drawn, for `dispatch_core.testing`.

One module per namespace, ``CASES`` its declarations. Needs the extra ``dispatch-core[testing]``.
"""
