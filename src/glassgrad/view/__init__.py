"""Pictures of a graph: what is drawn is what runs.

Layer L8. `record` computes, `units` and `numbers_level` decide what is a node, `layout` places,
`svg` and `text` draw.
"""
