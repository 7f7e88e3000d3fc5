"""``skimage.exposure`` for every family of arrays."""

__all__: list[str] = []
