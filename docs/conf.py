"""How the documentation is built: ``hatch run docs``, or ``sphinx-build -W docs docs/_build/html``."""

import dispatch_core

project = "dispatch"
author = "the dispatch developers"
release = version = dispatch_core.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "myst_parser",
    "numpydoc",
    "dispatch_core.sphinxext",
]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 2
default_role = "py:obj"
exclude_patterns = ["_build"]

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "pydata_sphinx_theme"
html_title = "dispatch"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}
html_show_sourcelink = False
