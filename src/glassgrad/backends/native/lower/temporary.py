from glassgrad.backends.native.loops import *
from glassgrad.backends.native.lower.site import lowers
from glassgrad.core.primitive import REGISTRY
import glassgrad.primitives.along, glassgrad.primitives.index


@lowers(REGISTRY["pick"], rows=lambda e: (True, True))
def pick(site):
    b = site.b
    r = site.rows
    with b.loop(r.count) as l:
        i = b.let("add", r.start, l.variable)
        j = site.as_index(site.array(1).load(b, [i]), site.array(0).shape[1])
        site.out.store(b, [i], site.array(0).load(b, [i, j]))


@lowers(REGISTRY["unpick"], rows=lambda e: (True, True))
def unpick(site):
    b = site.b
    r = site.rows
    k = site.out.shape[1]
    with b.loop(r.count) as l:
        i = b.let("add", r.start, l.variable)
        j = site.as_index(site.array(1).load(b, [i]), k)
        x = site.load(0, [i])
        with b.loop(k, lanes=True) as c:
            e = b.let("equal", c.variable, j)
            site.out.store(b, [i, c.variable], b.let("select", e, x, Number(0.0, x.dtype)))
@lowers(REGISTRY["gather"], rows=lambda e: (False, True) if e.params["index"]==(("array",0),) else None)
def gather(site):
    b=site.b; r=site.rows
    from glassgrad.backends.native.lower.access import positions
    with b.loop(r.count) as l:
        i=b.let("add", r.start, l.variable)
        j=site.as_index(site.array(1).load(b,[i]), site.array(0).shape[0])
        with positions(b, site.out.shape[1:]) as at:
            site.out.store(b,[i,*at], site.array(0).load(b,[j,*at]))
