import functools, sys
def multidispatch(f):
    g = functools.singledispatch(f)
    reg = g.register
    def register(c, func=None):
        if isinstance(c, str):
            def deco(fn):
                m, _, q = c.partition(":")
                lazy[c] = fn
                return fn
            return deco
        return reg(c, func)
    lazy = {}
    disp = g.dispatch
    def dispatch(cls):
        for c, fn in list(lazy.items()):
            m, _, q = c.partition(":")
            mod = sys.modules.get(m)
            k = getattr(mod, q, None) if mod else None
            if isinstance(k, type) and issubclass(cls, k):
                return fn
        return disp(cls)
    g.register, g.dispatch = register, dispatch
    return g
